/**
 * What ingest writes into an event besides `ingested`: its class where the publisher stated none, and the priority and
 * regions of its routes. As in protobuf the last value of a field counts, the fields are put behind the message, and the
 * bytes that the publisher sent stay as they are.
 */
import { Event, eventClassFromJSON } from "@distribution/proto-types/distribution/v1/event";
import type { RouteDecision } from "../routing/contract.ts";

/** The extension attribute that carries a route's regions, joined by commas. */
export const REGIONS = "regions";

/** The fields to put behind a message; empty for most. `eventClass`: the number to state, 0: none. */
export function encodeStamp({ priority, regions }: RouteDecision, eventClass: number): Uint8Array {
  // An Event with nothing but these fields, encoded, is exactly the bytes to add.
  const fields: Partial<Event> = { class: eventClassFromJSON(eventClass) };
  if (regions.length > 0) fields.extensions = { [REGIONS]: { value: { $case: "text", value: regions.join() } } };
  const encoded = Event.encode(Event.fromPartial(fields)).finish();
  // A priority of 0 has to be written out, as it may replace another.
  return priority === undefined ? encoded : Buffer.concat([encoded, Uint8Array.of(0x68, priority)]);
}
