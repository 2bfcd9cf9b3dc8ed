/** fast-check arbitraries for events that ingest accepts. */
import { type Attribute, Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import fc from "fast-check";

export interface EventArbitraryOptions {
  /** Payloads with their content types. Default: JSON, protobuf, text and binary ones, absent and empty ones. */
  readonly payload?: fc.Arbitrary<Pick<Event, "contentType" | "data">>;
  /** Default: none, or a short text of any script. */
  readonly key?: fc.Arbitrary<string>;
}

const FORBIDDEN = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;
const TAKEN =
  /^(?:id|source|type|time|subject|data|specversion|datacontenttype|dataschema|partitionkey|sequence|eventclass|priority|ingestedtime)$/;

/** CloudEvents Strings: any Unicode but control characters and noncharacters, of at most `maxBytes` of UTF-8. */
export function textArbitrary(minLength: number, maxBytes: number): fc.Arbitrary<string> {
  const ascii = fc.string({ minLength, maxLength: 24 });
  const unicode = fc.string({ unit: "binary", minLength, maxLength: 24 });
  return fc.oneof(ascii, unicode).filter((text) => !FORBIDDEN.test(text) && Buffer.byteLength(text) <= maxBytes);
}

/** JSON text with spaces, long numbers and names in any script, as publishers write it; never a name twice. */
export const jsonTextArbitrary: fc.Arbitrary<string> = fc
  .jsonValue({ maxDepth: 3 })
  .filter((value) => !JSON.stringify(value).includes("__proto__"))
  .chain((value) =>
    fc.constantFrom(
      JSON.stringify(value),
      JSON.stringify(value, undefined, 2),
      ` ${JSON.stringify(value)}\t`,
      `{"big":12345678901234567890.10,"value":${JSON.stringify(value)}}`,
    ),
  );

const payloads: fc.Arbitrary<Pick<Event, "contentType" | "data">> = fc.oneof(
  fc.record({
    contentType: fc.constantFrom("application/json", "application/vnd.x+json; charset=utf-8"),
    data: jsonTextArbitrary.map((text) => Buffer.from(text.trim())),
  }),
  fc.record({
    contentType: fc.constantFrom("application/protobuf", "application/octet-stream", "text/plain", ""),
    data: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({
    contentType: fc.constantFrom("text/plain", "application/xml", "text/csv;charset=UTF-8"),
    data: fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
  }),
  fc.record({ contentType: fc.constantFrom("", "application/json"), data: fc.constant(undefined) }),
);

const attributes: fc.Arbitrary<Attribute> = fc.oneof(
  textArbitrary(0, 100).map((value): Attribute => ({ value: { $case: "text", value } })),
  fc.integer().map((value): Attribute => ({ value: { $case: "integer", value } })),
  fc.boolean().map((value): Attribute => ({ value: { $case: "boolean", value } })),
);

const classes = Object.values(EventClass).filter((value) => value !== EventClass.UNRECOGNIZED);

const int64 = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

/** Events within every bound of the envelope. */
export function eventArbitrary(options: EventArbitraryOptions = {}): fc.Arbitrary<Event> {
  const name = fc.stringMatching(/^[a-z0-9]{1,20}$/).filter((text) => !TAKEN.test(text));
  return fc
    .record({
      id: textArbitrary(1, 256),
      source: textArbitrary(1, 512),
      type: textArbitrary(1, 256),
      subject: textArbitrary(0, 200),
      time: int64,
      key: options.key ?? textArbitrary(0, 256),
      class: fc.constantFrom(...classes),
      dataSchema: textArbitrary(0, 200),
      sequence: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
      ingested: int64,
      priority: fc.integer({ min: 0, max: 9 }),
      extensions: fc.dictionary(name, attributes, { maxKeys: 4, noNullPrototype: true }),
      payload: options.payload ?? payloads,
    })
    .map(({ payload, ...envelope }) => Event.create({ ...envelope, ...payload }));
}
