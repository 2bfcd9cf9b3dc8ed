/** Gathers the events of records in binary mode that lie side by side in a log's bytes: one batch, and no string or view for a header. */
import { DistributionError } from "@distribution/core/errors";
import type { PackedBatch } from "@distribution/core/events";
import type { Attribute } from "./attributes.ts";
import { EventBuilder } from "./event-builder.ts";
import { extensionName } from "./from-record.ts";
import { type Binding, CONTENT_TYPE, STRUCTURED_TYPE, TYPES_HEADER } from "./record.ts";

/** A record where it lies. */
export interface LyingRecord {
  readonly bytes: Uint8Array;
  /** Bytes that its headers take, names, values and lengths. */
  readonly headersSize: number;
  /** Its value from here to there; -1: it has none. */
  readonly valueFrom: number;
  readonly valueTo: number;
  /** Where the name of each header begins and ends, and its value (-1: none), four numbers a header. How many; -1: they have no room. */
  layHeaders(places: Int32Array): number;
}

/** What a header's name means; read once, since a stream's records have the same names in the same order. */
interface Meaning {
  readonly name: Uint8Array;
  readonly attribute: Attribute | undefined;
  readonly extension: string | undefined;
  /** Bytes of a value: a longer one may say that the record is to be read in another way. */
  readonly mostBytes: number;
}

const MOST_HEADERS = 32;
const FIELD_BYTES = 20;

export class EventRun {
  readonly #binding: Binding;
  readonly #builder = new EventBuilder();
  readonly #places = new Int32Array(4 * MOST_HEADERS);
  /** By the header's place in the record. */
  readonly #meanings: Meaning[] = [];

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** Events since the last `take`. */
  get count(): number {
    return this.#builder.count;
  }

  /** "full": there is no room beside those that are there. "other": the record is not simply an event in binary mode. */
  add(record: LyingRecord): "added" | "full" | "other" {
    const { bytes, valueFrom, valueTo } = record;
    const headers = record.layHeaders(this.#places);
    if (headers < 0) return "other";
    // A field takes no more bytes than its header and these: lengths of an extension's parts, or a time, which is shorter than its text.
    const most = FIELD_BYTES * (headers + 1) + record.headersSize + Math.max(0, valueTo - valueFrom);
    const data = valueFrom < 0 ? undefined : bytes;
    if (!this.#builder.begin(most, data, valueFrom, valueTo)) return "full";
    try {
      for (let header = 0; header < headers; header += 1) if (!this.#read(bytes, header)) return "other";
      return this.#builder.end() ? "added" : "other";
    } catch (failure) {
      if (failure instanceof DistributionError) return "other";
      throw failure;
    }
  }

  take(): PackedBatch {
    return this.#builder.take();
  }

  /** False: the record says that it is something else. */
  #read(bytes: Uint8Array, header: number): boolean {
    const from = this.#places[4 * header + 2]!;
    const to = this.#places[4 * header + 3]!;
    if (from < 0) return true;
    const meaning = this.#meaningOf(bytes, header);
    if (to - from > meaning.mostBytes) return false;
    if (meaning.attribute !== undefined) this.#builder.attribute(meaning.attribute, bytes, from, to);
    else if (meaning.extension !== undefined) this.#builder.extension(meaning.extension, bytes, from, to, undefined);
    return true;
  }

  #meaningOf(bytes: Uint8Array, header: number): Meaning {
    const from = this.#places[4 * header]!;
    const to = this.#places[4 * header + 1]!;
    const known = this.#meanings[header];
    if (known !== undefined && isAt(known.name, bytes, from, to)) return known;
    const read = meaningOf(Buffer.from(bytes.subarray(from, to)), this.#binding);
    this.#meanings[header] = read;
    return read;
  }
}

function isAt(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let at = 0; at < name.length; at += 1) if (name[at] !== bytes[from + at]) return false;
  return true;
}

function meaningOf(name: Buffer, { prefix, attributes }: Binding): Meaning {
  const header = name.toString();
  const attribute = attributes.get(header);
  const extension = attribute === undefined ? extensionName(header, prefix) : undefined;
  return { name, attribute, extension, mostBytes: mostBytesOf(header) };
}

function mostBytesOf(header: string): number {
  if (header === TYPES_HEADER) return -1;
  return header === CONTENT_TYPE ? STRUCTURED_TYPE.length - 1 : Number.POSITIVE_INFINITY;
}
