/** Payload messages for suites and measurements: a plain one as domains have them, and one with every kind of field. */
import type { DescMessage } from "@bufbuild/protobuf";
import { defineSchema, type FieldSpec } from "./schema.ts";

const SCALARS = [
  ["double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64"],
  ["fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes", "Side"],
].flat();

const message = defineSchema({
  package: "testkit.v1",
  enums: { Side: { SIDE_UNSPECIFIED: 0, SIDE_BUY: 1, SIDE_SELL: 2 } },
  messages: {
    Trade: {
      symbol: { number: 1, type: "string" },
      venue: { number: 2, type: "string" },
      trade_id: { number: 3, type: "string" },
      price: { number: 4, type: "string", decimal: true },
      quantity: { number: 5, type: "string", decimal: true },
      side: { number: 6, type: "Side" },
      exchange_time: { number: 7, type: "int64" },
      sequence: { number: 8, type: "uint64" },
      is_block: { number: 9, type: "bool" },
      conditions: { number: 10, type: "uint32" },
    },
    Everything: {
      ...scalars(1, (type) => ({ type })),
      ...scalars(21, (type) => ({ type, optional: true })),
      ...scalars(41, (type) => ({ type, list: true })),
      ...scalars(301, (type) => ({ type, oneof: "choice" })),
      by_name: { number: 61, type: "string", mapKey: "string" },
      by_number: { number: 62, type: "Leaf", mapKey: "int64" },
      by_flag: { number: 63, type: "Side", mapKey: "bool" },
      by_code: { number: 64, type: "string", mapKey: "uint32", decimal: true },
      price: { number: 65, type: "string", decimal: true },
      prices: { number: 66, type: "string", decimal: true, list: true },
      leaf: { number: 67, type: "Leaf" },
      leaves: { number: 68, type: "Leaf", list: true },
      self: { number: 69, type: "Everything" },
      at: { number: 70, type: "google.protobuf.Timestamp" },
      took: { number: 71, type: "google.protobuf.Duration" },
      details: { number: 72, type: "google.protobuf.Struct" },
      anything: { number: 73, type: "google.protobuf.Value" },
      wrapped: { number: 74, type: "google.protobuf.Int64Value" },
      chosen_leaf: { number: 401, type: "Leaf", oneof: "choice" },
      // Beyond the numbers that a table by number covers.
      far: { number: 50_000, type: "string" },
    },
    Leaf: {
      text: { number: 1, type: "string" },
      count: { number: 2, type: "int32" },
      leaf: { number: 3, type: "Leaf" },
    },
  },
});

/** Ten flat fields: symbol, decimals, an enum, 64-bit numbers. */
export const tradeMessage: DescMessage = message("Trade");

/** Every scalar alone, optional, repeated and in a oneof; maps, nesting, recursion and well-known types. */
export const everythingMessage: DescMessage = message("Everything");

/** Holds itself: `leaf.leaf.leaf`. */
export const leafMessage: DescMessage = message("Leaf");

function scalars(first: number, spec: (type: string) => Omit<FieldSpec, "number">): Record<string, FieldSpec> {
  return Object.fromEntries(
    SCALARS.map((type, index) => {
      const field = spec(type);
      const kind = field.oneof ?? (field.list === true ? "some" : field.optional === true ? "maybe" : "one");
      return [`${kind}_${type.toLowerCase()}`, { ...field, number: first + index }];
    }),
  );
}
