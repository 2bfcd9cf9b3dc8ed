/** What clients send: bytes or text into ClientFrame, with every bound of it. */
import { ClientFrame } from "@distribution/proto-types/distribution/v1/frames";
import { DistributionError, fieldError } from "../../errors.ts";
import { parseJson } from "../../events/json-text.ts";
import type { FrameFormat } from "../contract.ts";
import { readFrame, refOf } from "./json-reader.ts";
import { CLIENT_FRAME, type MessageShape, memberOf } from "./shape.ts";
import { CLIENT_FRAME_WIRE, checkWire } from "./wire-check.ts";

export interface FrameLimits {
  /** Longest frame, bytes of UTF-8 JSON or protobuf. Default 1 MiB; give the session host's `maxFrameBytes` where it is another. */
  readonly maxBytes: number;
  /** Deepest nesting of JSON, the frame itself being 1. Default 64. */
  readonly maxDepth: number;
}

export const DEFAULT_FRAME_LIMITS: FrameLimits = { maxBytes: 1024 * 1024, maxDepth: 64 };

/** Longest `ref`, bytes of UTF-8. */
export const MAX_REF_BYTES = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The frame that a client sent. JSON takes lowerCamelCase and snake_case names; see json-reader.ts for the mapping.
 *
 * Throws `bad_frame` when the message is no frame at all: over a limit, not JSON or protobuf, a name twice, of no kind or of two;
 * `invalid_request` or `invalid_event` with the field's path when it is a frame with a wrong field.
 */
export function decodeClientFrame(
  format: FrameFormat,
  message: Uint8Array | string,
  limits: FrameLimits = DEFAULT_FRAME_LIMITS,
): ClientFrame {
  const bytes = typeof message === "string" ? Buffer.byteLength(message) : message.length;
  if (bytes > limits.maxBytes) {
    throw badFrame(`The frame has ${bytes} bytes; at most ${limits.maxBytes} are taken. Send smaller batches.`);
  }
  const frame = format === "json" ? fromJson(message, limits) : fromProto(message);
  if (frame.frame === undefined) {
    throw badFrame(`The frame is of no kind. Set one of ${KINDS.join(", ")}.`);
  }
  if (Buffer.byteLength(frame.ref) > MAX_REF_BYTES) {
    throw fieldError("invalid_request", "ref", `longer than ${MAX_REF_BYTES} bytes; send a shorter one`);
  }
  return frame;
}

/** The `ref` of a frame that did not decode, so that its error can carry it; "" when there is none to be found. Never throws. */
export function frameRef(format: FrameFormat, message: Uint8Array | string): string {
  try {
    const ref = format === "json" ? refOf(JSON.parse(toText(message))) : ClientFrame.decode(toBytes(message)).ref;
    return typeof ref === "string" && Buffer.byteLength(ref) <= MAX_REF_BYTES ? ref : "";
  } catch {
    return "";
  }
}

const KINDS = CLIENT_FRAME.fields.filter((field) => field.oneof !== undefined).map((field) => field.name);

function fromJson(message: Uint8Array | string, limits: FrameLimits): ClientFrame {
  const text = toText(message);
  let value: unknown;
  try {
    value = parseJson(text, "frame", limits.maxDepth);
  } catch (cause) {
    throw badFrame((cause as DistributionError).message, cause);
  }
  return readFrame(CLIENT_FRAME, value, text) as unknown as ClientFrame;
}

function fromProto(message: Uint8Array | string): ClientFrame {
  const bytes = toBytes(message);
  let frame: ClientFrame;
  try {
    checkWire(CLIENT_FRAME_WIRE, bytes, "frame");
    frame = ClientFrame.decode(bytes);
  } catch (cause) {
    throw badFrame(
      "The bytes are no protobuf ClientFrame. Send what a protobuf encoder made of distribution.v1.ClientFrame.",
      cause,
    );
  }
  refuseUnrecognized(CLIENT_FRAME, frame as unknown as Record<string, unknown>, "");
  return frame;
}

function toText(message: Uint8Array | string): string {
  if (typeof message === "string") return message;
  try {
    return utf8.decode(message);
  } catch (cause) {
    throw badFrame("The text is not UTF-8.", cause);
  }
}

const toBytes = (message: Uint8Array | string): Uint8Array =>
  typeof message === "string" ? Buffer.from(message) : message;

/** A number that an enum does not name decodes to UNRECOGNIZED: a newer client asks for what this service does not know. */
function refuseUnrecognized(shape: MessageShape, message: Readonly<Record<string, unknown>>, path: string): void {
  for (const field of shape.fields) {
    const value = memberOf(field, message);
    if (value === undefined) continue;
    const here = path === "" ? field.name : `${path}.${field.name}`;
    if (field.type.kind === "enum" && value === "UNRECOGNIZED") {
      throw fieldError("invalid_request", here, "this service does not know the value; use one of frames.proto");
    }
    if (field.type.kind === "message" && !field.list) {
      refuseUnrecognized(field.type.shape, value as Record<string, unknown>, here);
    }
  }
}

function badFrame(message: string, cause?: unknown): DistributionError {
  return new DistributionError("bad_frame", message, cause === undefined ? {} : { cause });
}
