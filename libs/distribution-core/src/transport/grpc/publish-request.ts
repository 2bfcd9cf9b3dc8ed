/** PublishRequest, read without its events being decoded: they stay the bytes that will be stored. */
import { isUtf8 } from "node:buffer";
import { DistributionError, fieldError } from "../../errors.ts";
import { type BatchLimits, type PackedBatch, walkBatch } from "../../events/index.ts";
import { WIRE, WireReader } from "../../events/wire.ts";

export interface PublishCall {
  readonly topic: string;
  readonly batch: PackedBatch;
}

const TOPIC = (1 << 3) | WIRE.bytes;
const BATCH = (2 << 3) | WIRE.bytes;

/**
 * The topic and the packed batch of an encoded PublishRequest; the batch shares `message`. Throws `bad_frame` on bytes that are no
 * PublishRequest, `invalid_request` without a topic or events, and what walkBatch throws.
 */
export function readPublishRequest(message: Uint8Array, limits: BatchLimits): PublishCall {
  const { topic, parts } = readFields(message);
  if (topic === "") throw fieldError("invalid_request", "topic", "is empty; name the topic to publish to");
  // Protobuf merges a message field that comes several times: for a repeated field that is one after the other.
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const batch = walkBatch(bytes, limits);
  if (batch.count === 0) throw fieldError("invalid_request", "batch.events", "is empty; send at least one event");
  return { topic, batch };
}

function readFields(message: Uint8Array): { readonly topic: string; readonly parts: Uint8Array[] } {
  let topic = "";
  const parts: Uint8Array[] = [];
  const reader = new WireReader();
  reader.open(message, 0, message.length, "request");
  try {
    while (reader.pos < reader.end) {
      const tag = reader.tag();
      if (tag === TOPIC) topic = text(reader);
      else if (tag === BATCH) parts.push(bytesOf(reader));
      else reader.skip(tag & 7);
    }
  } catch (cause) {
    throw new DistributionError("bad_frame", `This is no distribution.v1.PublishRequest: ${(cause as Error).message}`, {
      cause,
    });
  }
  return { topic, parts };
}

function bytesOf(reader: WireReader): Uint8Array {
  const length = reader.length();
  const start = reader.pos;
  reader.pos += length;
  return reader.bytes.subarray(start, reader.pos);
}

function text(reader: WireReader): string {
  const bytes = bytesOf(reader);
  if (!isUtf8(bytes)) reader.fail("has a topic that is not UTF-8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
