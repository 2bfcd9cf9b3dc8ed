/** A stored event of a market-data topic → its payload, checked as far as the read models rely on it. */
import { fromJsonString, toBinary } from "@bufbuild/protobuf";
import { fieldError } from "@distribution/core/errors";
import { messageOf } from "@distribution/proto-types/descriptors";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";

const normalized = messageOf("market_data.v1.NormalizedMarketDataEvent");

/**
 * Throws when the bytes are no event, its payload is neither protobuf nor the JSON mapping of it, or its instrument is
 * not the one that the event is kept in order for.
 */
export function dataOf(bytes: Uint8Array): NormalizedMarketDataEvent {
  const { contentType, data, key } = Event.decode(bytes);
  if (data === undefined) throw fieldError("invalid_event", "data", "must not be absent.");
  const payload = contentType.startsWith("application/json")
    ? NormalizedMarketDataEvent.decode(toBinary(normalized, fromJsonString(normalized, data.toString("utf8"))))
    : NormalizedMarketDataEvent.decode(data);
  const { instrument } = payload;
  if (
    key !== instrument &&
    !(payload.payload?.$case === "bar" && key === `${instrument}@${payload.payload.value.interval}`)
  ) {
    throw fieldError("invalid_event", "data.instrument", "must be the instrument of the event's key.");
  }
  return payload;
}
