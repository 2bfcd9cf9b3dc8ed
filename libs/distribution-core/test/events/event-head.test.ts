import { Event } from "@distribution/proto-types/distribution/v1/event";
import { expect, it } from "vitest";
import { createEnvelope, headOf, packEvents } from "../../src/events/index.ts";

const NAMES = ["id", "source", "type", "subject", "key", "time"] as const;
const textsOf = (event: object) => NAMES.map((name) => (event as Record<string, unknown>)[name]);

it("the head of an event has its texts and its time, also when the envelope has read on", () => {
  const events = [
    Event.fromPartial({
      id: "1",
      source: "/a",
      type: "t.v1",
      subject: "é",
      key: "k-1",
      time: 1_767_623_400_000_000_001n,
    }),
    Event.fromPartial({ id: "2", source: "/b", type: "u.v1", key: "k-2" }),
  ];
  const { bytes, bounds } = packEvents(events);
  const envelope = createEnvelope();
  const heads = events.map((_, at) => {
    envelope.read(bytes, bounds[2 * at]!, bounds[2 * at + 1]!);
    return headOf(envelope);
  });
  expect(heads.map(textsOf)).toEqual(events.map(textsOf));
});
