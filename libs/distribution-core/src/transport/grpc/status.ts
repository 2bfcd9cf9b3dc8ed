/** Errors as gRPC statuses: the number from ERROR_CODES, and what it cannot say as trailing metadata. */
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { DistributionError } from "../../errors.ts";
import { errorCodeOf } from "../wires/index.ts";

/** Trailing metadata: one of the closed list of codes. */
export const CODE_KEY = "distribution-code";
/** Trailing metadata, UTF-8 JSON: `[{ path, message }]`. */
export const ERRORS_KEY = "distribution-errors-bin";
/** Trailing metadata: milliseconds to wait before trying again. */
export const RETRY_AFTER_KEY = "distribution-retry-after-ms";
/** Trailing metadata of a stream: the code that a WebSocket would have been closed with. */
export const CLOSE_KEY = "distribution-close-code";

/** HTTP/2 peers refuse long header lists (8 to 16 KiB with most): field errors beyond this are left out. Bytes of JSON. */
const MAX_ERRORS_BYTES = 4096;
/** Longest status message, characters. */
const MAX_DETAILS = 1024;

export type Status = Pick<StatusObject, "code" | "details" | "metadata">;

export function statusOf(error: DistributionError): Status {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  if (error.retryAfterMs !== undefined) metadata.set(RETRY_AFTER_KEY, String(error.retryAfterMs));
  const errors = fitting(error.errors);
  if (errors.length > 0) metadata.set(ERRORS_KEY, Buffer.from(JSON.stringify(errors)));
  return {
    code: error.definition.grpc,
    details: error.message.toWellFormed().slice(0, MAX_DETAILS).toWellFormed(),
    metadata,
  };
}

/** How a stream ends that was closed with a close code: as its error, or OK where the code stands for none. */
export function statusOfClose(code: number, reason: string): Status {
  const error = errorCodeOf(code);
  const ended =
    error === undefined
      ? { code: code === NORMAL ? status.OK : status.UNAVAILABLE, details: reason, metadata: new Metadata() }
      : statusOf(new DistributionError(error, reason));
  ended.metadata.set(CLOSE_KEY, String(code));
  return ended;
}

/** RFC 6455: the purpose of the connection is fulfilled. */
const NORMAL = 1000;

function fitting<T>(errors: readonly T[]): readonly T[] {
  let bytes = 2;
  return errors.filter((error) => {
    bytes += Buffer.byteLength(JSON.stringify(error)) + 1;
    return bytes <= MAX_ERRORS_BYTES;
  });
}
