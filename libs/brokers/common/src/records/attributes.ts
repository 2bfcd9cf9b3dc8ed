/** Fields of an Event message and the CloudEvents attributes that carry them, as text, in a record's headers. */
import { EVENT_CLASS_NAMES, EVENT_FIELD, formatTime, parseTime } from "@distribution/core/events";
import { isZero, latin1, type MutableInt64, readDecimal, readTime, set64 } from "./int64.ts";

/** Wire types of protobuf. */
const VARINT = 0;
const BYTES = 2;

export interface Attribute {
  readonly name: string;
  /** The field's number and wire type, as protobuf writes them. */
  readonly tag: number;
  /** Fields that are numbers. */
  readonly number?: NumberField;
}

export interface NumberField {
  /** Undefined: the number has no text that means it. */
  format(value: bigint): string | undefined;
  /** False: the text from here to there means no number. */
  parse(bytes: Uint8Array, from: number, to: number, into: MutableInt64): boolean;
}

const text = (name: string, field: number): Attribute => ({ name, tag: field * 8 + BYTES });

const number = (name: string, field: number, convert: NumberField): Attribute => ({
  ...{ name, tag: field * 8 + VARINT, number: convert },
});

const decimal: NumberField = {
  format: (value) => (value === 0n ? undefined : String(value)),
  parse: readDecimal,
};

const time: NumberField = {
  format: (value) => (value === 0n ? undefined : formatTime(BigInt.asIntN(64, value))),
  parse(bytes, from, to, into) {
    // What we write ourselves is read without a string; whatever else a timestamp may be is the core's to read.
    if (!readTime(bytes, from, to, into) || isZero(into)) set64(into, parseTime(latin1(bytes, from, to), "time"));
    return true;
  },
};

const eventClass: NumberField = {
  format: (value) => EVENT_CLASS_NAMES[Number(value)] || undefined,
  parse(bytes, from, to, into) {
    into.hi = 0;
    into.lo = EVENT_CLASS_NAMES.indexOf(latin1(bytes, from, to));
    return into.lo > 0;
  },
};

/** The names are those of the core's CloudEvents. `datacontenttype` has a header of its own: see CONTENT_TYPE. */
export const ATTRIBUTES: readonly Attribute[] = [
  text("id", EVENT_FIELD.id),
  text("source", EVENT_FIELD.source),
  text("type", EVENT_FIELD.type),
  text("subject", EVENT_FIELD.subject),
  number("time", EVENT_FIELD.time, time),
  text("partitionkey", EVENT_FIELD.key),
  number("eventclass", EVENT_FIELD.class, eventClass),
  text("datacontenttype", EVENT_FIELD.contentType),
  text("dataschema", EVENT_FIELD.dataSchema),
  number("sequence", EVENT_FIELD.sequence, decimal),
  number("ingestedtime", EVENT_FIELD.ingested, time),
  number("priority", EVENT_FIELD.priority, decimal),
];

/** The version of CloudEvents, which no field has. */
export const VERSION: Attribute = { name: "specversion", tag: 0 };

export const DATA_TAG = EVENT_FIELD.data * 8 + BYTES;
export const EXTENSIONS_TAG = EVENT_FIELD.extensions * 8 + BYTES;
/** Of id, source and type, which are fields 1 to 3. */
export const LAST_REQUIRED_TAG = EVENT_FIELD.type * 8 + BYTES;

/** By tag; empty where a tag is no attribute's. */
export const BY_TAG: readonly (Attribute | undefined)[] = ATTRIBUTES.reduce<(Attribute | undefined)[]>((all, one) => {
  all[one.tag] = one;
  return all;
}, []);
