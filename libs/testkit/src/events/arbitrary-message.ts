/** fast-check arbitraries for protobuf messages of any schema. */
import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import fc from "fast-check";
import { isDecimalField } from "./schema.ts";

/** A decimal as the option distribution.v1.decimal means it. */
export const decimalArbitrary: fc.Arbitrary<string> = fc.stringMatching(/^-?[0-9]{1,12}(\.[0-9]{1,8})?$/);

/** Messages of this type, nested at most `depth` levels below the first; well-known types hold what JSON can say. */
export function messageArbitrary(desc: DescMessage, depth = 3): fc.Arbitrary<Message> {
  const wellKnown = wellKnownInit(desc);
  if (wellKnown !== undefined) return wellKnown.map((init) => create(desc, init as never));
  const members = desc.members
    .filter((member) => depth > 0 || member.kind === "oneof" || member.message === undefined)
    .map((member) => {
      if (member.kind === "field") return [member.localName, fieldArbitrary(member, depth)] as const;
      const fields = member.fields.filter((field) => depth > 0 || field.message === undefined);
      const cases = fields.map((field) =>
        valueArbitrary(field, depth).map((value) => ({ case: field.localName, value })),
      );
      return [member.localName, fc.oneof(...cases)] as const;
    });
  return fc.record(Object.fromEntries(members), { requiredKeys: [] }).map((init) => create(desc, init as never));
}

function fieldArbitrary(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.fieldKind === "list") return fc.array(valueArbitrary(field, depth), { maxLength: 3 });
  if (field.fieldKind === "map") {
    const key = scalarArbitrary(field.mapKey).map(String);
    return fc.dictionary(
      key.filter((name) => name !== "__proto__"),
      valueArbitrary(field, depth),
      { maxKeys: 3 },
    );
  }
  return valueArbitrary(field, depth);
}

function valueArbitrary(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message !== undefined) return messageValue(field.message, depth - 1);
  if (field.enum !== undefined) {
    const known = field.enum.values.map((value) => value.number);
    return fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: fc.integer() });
  }
  return isDecimalField(field) ? decimalArbitrary : scalarArbitrary(field.scalar ?? ScalarType.STRING);
}

/** The library shows a Struct field as plain JSON and a wrapper as its value. */
function messageValue(desc: DescMessage, depth: number): fc.Arbitrary<unknown> {
  if (desc.typeName === "google.protobuf.Struct") return jsonObject;
  if (desc.typeName === "google.protobuf.Int64Value") return scalarArbitrary(ScalarType.INT64);
  return messageArbitrary(desc, depth);
}

/** What a JSON text can say: no -0, which JSON.stringify writes as 0. */
const jsonObject = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes("__proto__"))
  .map((text): unknown => JSON.parse(text));

function wellKnownInit(desc: DescMessage): fc.Arbitrary<unknown> | undefined {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp": {
      const seconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n });
      return fc.record({ seconds, nanos: fc.integer({ min: 0, max: 999_999_999 }) });
    }
    case "google.protobuf.Duration":
      return fc.record({
        seconds: fc.bigInt({ min: 0n, max: 315_576_000_000n }),
        nanos: fc.constantFrom(0, 1, 500_000_000),
      });
    case "google.protobuf.Value":
      return fc.oneof(
        fc.constant({ kind: { case: "nullValue", value: 0 } }),
        fc.boolean().map((value) => ({ kind: { case: "boolValue", value } })),
        fc.string().map((value) => ({ kind: { case: "stringValue", value } })),
        jsonObject.map((value) => ({ kind: { case: "structValue", value } })),
      );
    default:
      return undefined;
  }
}

function scalarArbitrary(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.nat({ max: 2 ** 32 - 1 });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return fc.string({ unit: "binary", maxLength: 12 });
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 12 });
    default:
      return fc.integer();
  }
}
