/** Request bodies as bytes, bounded one by one and all together. */
import type { Request, Response } from "express";
import { DistributionError, fieldError } from "../../errors.ts";

export interface BodyReader {
  /**
   * The whole body. Its bytes count against the common bound until the response is over.
   * Throws `batch_too_large`, `overloaded`, `unsupported_media_type` for a content encoding, and `invalid_request` when
   * the client breaks off.
   */
  read(request: Request, response: Response): Promise<Buffer>;
  /** Bytes of bodies in memory now. */
  readonly bytesInFlight: number;
}

export interface BodyLimits {
  /** Of one body. */
  readonly bodyBytes: number;
  /** Of all bodies in memory at a time. */
  readonly bodyBytesInFlight: number;
}

/** So much of a refused body is read and thrown away, in limits: a client that writes before it reads sees the answer. */
const DISCARD_LIMITS = 4;

export function createBodyReader({ bodyBytes, bodyBytesInFlight }: BodyLimits): BodyReader {
  let inFlight = 0;

  function refusal(size: number, added: number): DistributionError | undefined {
    if (size > bodyBytes) {
      return fieldError("batch_too_large", "body", `is over the limit of ${bodyBytes} bytes; send the events in parts`);
    }
    if (inFlight + added <= bodyBytesInFlight) return undefined;
    return new DistributionError(
      "overloaded",
      `Requests of ${inFlight} bytes are being taken, of ${bodyBytesInFlight} at most; try again.`,
    );
  }

  async function read(request: Request, response: Response): Promise<Buffer> {
    refuseEncoding(request.get("content-encoding"));
    const chunks: Buffer[] = [];
    let held = 0;
    const release = (): void => {
      inFlight -= held;
      held = 0;
      chunks.length = 0;
    };
    response.once("close", release);

    let refused = refusal(Number(request.get("content-length") ?? 0), 0);
    let size = 0;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      refused ??= refusal(size, chunk.length);
      if (refused === undefined) {
        inFlight += chunk.length;
        held += chunk.length;
        chunks.push(chunk);
      } else {
        release();
        if (size > bodyBytes * DISCARD_LIMITS) break;
      }
    }
    if (refused === undefined) return Buffer.concat(chunks, size);
    response.setHeader("Connection", "close");
    throw refused;
  }

  return {
    get bytesInFlight() {
      return inFlight;
    },
    read: (request, response) =>
      read(request, response).catch((failure: unknown) => {
        if (failure instanceof DistributionError) throw failure;
        throw new DistributionError("invalid_request", "The body broke off before its end.", { cause: failure });
      }),
  };
}

function refuseEncoding(encoding = "identity"): void {
  if (encoding.toLowerCase() === "identity") return;
  throw fieldError(
    "unsupported_media_type",
    "header.content-encoding",
    `${encoding} is not taken; send the body plain`,
  );
}
