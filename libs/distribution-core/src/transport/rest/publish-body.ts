/** The body of a publish request, in each of the forms it may come in, as a packed batch. */
import type { IncomingHttpHeaders } from "node:http";
import { type DistributionError, fieldError } from "../../errors.ts";
import {
  eventTooLarge,
  fromHttpBinary,
  messageAt,
  type PackedBatch,
  packEvents,
  parseCloudEvent,
  parseCloudEventBatch,
  walkBatch,
} from "../../events/index.ts";

export const STRUCTURED = "application/cloudevents+json";
export const BATCHED = "application/cloudevents-batch+json";
export const PROTOBUF = "application/protobuf";

export interface PublishLimits {
  /** Most events of one request. */
  readonly batchEvents: number;
  /** Longest event, bytes as it is stored. */
  readonly eventBytes: number;
}

/**
 * Throws `unsupported_media_type` for a body that is none of these, `invalid_event` at its path, `invalid_request` for
 * no event at all, `batch_too_large` and `event_too_large`.
 */
export function readPublished(headers: IncomingHttpHeaders, body: Buffer, limits: PublishLimits): PackedBatch {
  const batch = readBatch(headers, body, limits);
  if (batch.count === 0) throw fieldError("invalid_request", "body", "has no event; send at least one");
  return batch;
}

function readBatch(headers: IncomingHttpHeaders, body: Buffer, limits: PublishLimits): PackedBatch {
  const maxEvents = limits.batchEvents;
  const type = essence(headers["content-type"]);
  // Binary mode first: there the media type is the payload's and may be any.
  if (headers["ce-specversion"] !== undefined && !type.startsWith("application/cloudevents")) {
    const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
    return checked(packEvents([fromHttpBinary(headers, hasBody || type !== "" ? body : undefined)]), limits);
  }
  switch (type) {
    case STRUCTURED:
      return checked(packEvents([parseCloudEvent(body)]), limits);
    case BATCHED:
      return checked(packEvents(parseCloudEventBatch(body, { maxEvents })), limits);
    case PROTOBUF:
    case "application/x-protobuf":
      return walkBatch(body, { maxEvents, maxEventBytes: limits.eventBytes });
    default:
      throw unsupported(type);
  }
}

function checked(batch: PackedBatch, { eventBytes }: PublishLimits): PackedBatch {
  for (let index = 0; index < batch.count; index += 1) {
    const size = messageAt(batch, index).length;
    if (size > eventBytes) throw eventTooLarge(index, size, eventBytes);
  }
  return batch;
}

function unsupported(type: string): DistributionError {
  const message = `${type || "(none)"} is not understood; send ${STRUCTURED}, ${BATCHED}, ${PROTOBUF}, or any type with ce- headers`;
  return fieldError("unsupported_media_type", "header.content-type", message);
}

const essence = (type = ""): string => type.split(";", 1)[0]!.trim().toLowerCase();
