/** Two bodies have one fingerprint when all that their publishers say is the same, wherever it lies. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createEnvelope, encodeEvent } from "../../src/events/index.ts";
import { BodyFingerprint } from "../../src/ingest/body-fingerprint.ts";
import { event } from "./support.ts";

const secret = Buffer.from("8 bytes.");
const fingerprint = new BodyFingerprint(secret);
const envelope = createEnvelope();

function printOf(fields: Partial<Event>, before: number): string {
  const message = encodeEvent(event("1", fields));
  const bytes = Buffer.concat([Buffer.alloc(before, "x"), message, Buffer.from("after")]);
  envelope.read(bytes, before, before + message.length);
  fingerprint.take(envelope, envelope.class, envelope.sequenceHi, envelope.sequenceLo);
  return `${fingerprint.a} ${fingerprint.b}`;
}

/** Of few letters: neighbours in each sense are common. */
const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 9 });
const fields = fc.record({
  type: text,
  subject: text,
  key: text,
  contentType: text,
  dataSchema: text,
  data: fc.option(
    text.map((letters) => Buffer.from(letters)),
    { nil: undefined },
  ),
  time: fc.constantFrom(0n, 1n, 1n << 32n),
  sequence: fc.constantFrom(0n, 1n, 1n << 32n),
});

it("is the same of equal bodies and no others", () => {
  const one = fields.chain((first) => fc.tuple(fc.constant(first), fc.oneof(fields, change(first))));
  fc.assert(
    fc.property(one, fc.nat({ max: 9 }), ([first, second], before) => {
      const same = Buffer.compare(encodeEvent(event("1", first)), encodeEvent(event("1", second))) === 0;
      expect(printOf(first, before) === printOf(second, 3)).toBe(same);
    }),
    { numRuns: 10_000 },
  );
});

it("hangs on every byte of longer data, and on their order", () => {
  for (let length = 56; length <= 140; length += 1) {
    const data = Buffer.from(Array.from({ length }, (_, at) => at));
    const prints = new Set([printOf({ data }, 1)]);
    for (let at = 0; at < length; at += 1) {
      data[at]! ^= 0x80;
      prints.add(printOf({ data }, 1));
      data[at]! ^= 0x80;
    }
    for (const by of [1, 4, 8])
      prints.add(printOf({ data: Buffer.concat([data.subarray(by), data.subarray(0, by)]) }, 1));
    expect(prints.size).toBe(1 + length + 3);
  }
});

it("tells pieces of few bytes from the lengths of longer ones", () => {
  const schema = Buffer.alloc(260, "s");
  schema.set([4, 0, 0, 0], 252);
  const one = { data: Buffer.of(0), dataSchema: schema.toString("latin1") };
  const other = {
    data: Buffer.concat([Buffer.of(4, 1, 0, 0), schema.subarray(0, 252)]),
    dataSchema: schema.toString("latin1", 256),
  };
  expect(printOf(one, 0)).not.toBe(printOf(other, 0));
});

/** One letter more at either end of one text, another letter in it, or one of it moved to the next. */
function change(first: Partial<Event>): fc.Arbitrary<Partial<Event>> {
  const names = ["type", "subject", "key", "contentType", "dataSchema"] as const;
  const text = fc.nat({ max: names.length - 2 });
  const how = fc.constantFrom(
    (one: string, next: string) => [`${one}a`, next],
    (one: string, next: string) => [`a${one}`, next],
    (one: string, next: string, at: number) => [`${one.slice(0, at)}c${one.slice(at + 1)}`, next],
    (one: string, next: string) => [one.slice(0, -1), one.slice(-1) + next],
  );
  return fc.tuple(text, how, fc.nat({ max: 8 })).map(([index, apply, at]) => {
    const [name, next] = [names[index]!, names[index + 1]!];
    const [one, other] = apply(first[name]!, first[next]!, at);
    return { ...first, [name]: one, [next]: other };
  });
}
