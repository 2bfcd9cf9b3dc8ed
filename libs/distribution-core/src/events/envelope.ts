/** The fields of a stored event, found without decoding it and without making an object. */
import { signed64 } from "./int64.ts";
import { usualMediaType } from "./media.ts";
import type { EventPath } from "./path.ts";
import { utf8 } from "./slices.ts";
import { WireReader } from "./wire.ts";

/** Field numbers of `distribution.v1.Event`. */
export const EVENT_FIELD = {
  id: 1,
  source: 2,
  type: 3,
  subject: 4,
  time: 5,
  key: 6,
  class: 7,
  contentType: 8,
  data: 9,
  dataSchema: 10,
  sequence: 11,
  ingested: 12,
  priority: 13,
  extensions: 14,
} as const;

/** The fields of bytes and text, of which an envelope knows the place. */
export type SpanField = 1 | 2 | 3 | 4 | 6 | 8 | 9 | 10;

/**
 * Where the fields of one Event message lie. Made once and read again and again: `read` replaces everything it held.
 * Of a field that comes more than once the last one counts, as in any protobuf reader.
 */
export interface Envelope {
  /** What was read last; spans are positions in it. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Start and end of each field by its number, as `startOf` and `endOf` give them: to be read only. */
  readonly spans: Int32Array;
  /** The number of EventClass; 0 when not stated. */
  readonly class: number;
  readonly priority: number;
  /** Whether `data` is present; present and empty differs from absent. */
  readonly hasData: boolean;
  /** Whether the message carries `ingested`, even if it is 0. */
  readonly hasIngested: boolean;
  /** Number of entries in `extensions`; see readExtensions. */
  readonly extensionCount: number;
  /** Unix nanoseconds; 0: not stated. Each read makes a bigint: not for loops that can do without. */
  readonly time: bigint;
  /** The same as `time`, as high and low 32 bits, both signed. */
  readonly timeHi: number;
  readonly timeLo: number;
  readonly sequence: bigint;
  readonly sequenceHi: number;
  readonly sequenceLo: number;
  /** Unix nanoseconds; 0: not stated. */
  readonly ingested: bigint;
  readonly ingestedHi: number;
  readonly ingestedLo: number;
  /** Media type of the data, lower or upper case as sent; the two usual ones cost no new string. */
  readonly contentType: string;

  /**
   * Finds the fields of the message at `bytes[start, end)`. Throws `invalid_event` at `path` (default `event`) on bytes
   * that are no protobuf and on a known field of another wire type; unknown fields are stepped over.
   */
  read(bytes: Uint8Array, start: number, end: number, path?: EventPath): void;
  /** First byte of the field; 0 when it is absent. */
  startOf(field: SpanField): number;
  /** Position after the field; 0 when it is absent. */
  endOf(field: SpanField): number;
  /** The field as text; empty when it is absent. Makes a string. */
  text(field: SpanField): string;
  /** The payload: a view. Empty when it is absent. */
  data(): Uint8Array;
}

export function createEnvelope(): Envelope {
  return new ScannedEnvelope();
}

const EMPTY = new Uint8Array(0);

/** Tags of Event's fields: number << 3 | wire type. */
const TAG = { time: 0x28, class: 0x38, sequence: 0x58, ingested: 0x60, priority: 0x68, extensions: 0x72 } as const;

class ScannedEnvelope implements Envelope {
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  class = 0;
  priority = 0;
  hasData = false;
  hasIngested = false;
  extensionCount = 0;
  timeHi = 0;
  timeLo = 0;
  ingestedHi = 0;
  ingestedLo = 0;
  sequenceHi = 0;
  sequenceLo = 0;
  readonly spans = new Int32Array(22);
  readonly #reader = new WireReader();

  get time(): bigint {
    return signed64(this.timeHi, this.timeLo);
  }

  get ingested(): bigint {
    return signed64(this.ingestedHi, this.ingestedLo);
  }

  get sequence(): bigint {
    return BigInt.asUintN(64, signed64(this.sequenceHi, this.sequenceLo));
  }

  get contentType(): string {
    const field = EVENT_FIELD.contentType;
    return usualMediaType(this.bytes, this.startOf(field), this.endOf(field)) ?? this.text(field);
  }

  read(bytes: Uint8Array, start: number, end: number, path: EventPath = "event"): void {
    this.#clear(bytes, start, end);
    const reader = this.#reader;
    const spans = this.spans;
    reader.open(bytes, start, end, path);
    while (reader.pos < end) {
      const tag = reader.tag();
      switch (tag) {
        case 0x0a:
        case 0x12:
        case 0x1a:
        case 0x22:
        case 0x32:
        case 0x42:
        case 0x4a:
        case 0x52: {
          const length = reader.length();
          const slot = (tag >>> 3) << 1;
          spans[slot] = reader.pos;
          reader.pos += length;
          spans[slot + 1] = reader.pos;
          if (tag === 0x4a) this.hasData = true;
          break;
        }
        default:
          this.#readOther(tag);
      }
    }
  }

  startOf(field: SpanField): number {
    return this.spans[2 * field]!;
  }

  endOf(field: SpanField): number {
    return this.spans[2 * field + 1]!;
  }

  text(field: SpanField): string {
    return utf8(this.bytes, this.spans[2 * field]!, this.spans[2 * field + 1]!);
  }

  data(): Uint8Array {
    return this.bytes.subarray(this.spans[2 * EVENT_FIELD.data]!, this.spans[2 * EVENT_FIELD.data + 1]!);
  }

  #readOther(tag: number): void {
    const reader = this.#reader;
    if (tag === TAG.extensions) {
      reader.skipBytes();
      this.extensionCount += 1;
      return;
    }
    const number = tag >>> 3;
    if ((tag & 7) !== 0) {
      if (number <= EVENT_FIELD.extensions) reader.fail(`has field ${number} of Event with wire type ${tag & 7}`);
      reader.skip(tag & 7);
      return;
    }
    reader.varint();
    if (tag === TAG.time) {
      this.timeHi = reader.hi;
      this.timeLo = reader.lo;
    } else if (tag === TAG.class) this.class = reader.lo;
    else if (tag === TAG.sequence) {
      this.sequenceHi = reader.hi;
      this.sequenceLo = reader.lo;
    } else if (tag === TAG.ingested) {
      this.hasIngested = true;
      this.ingestedHi = reader.hi;
      this.ingestedLo = reader.lo;
    } else if (tag === TAG.priority) this.priority = reader.lo >>> 0;
    else if (number <= EVENT_FIELD.extensions) reader.fail(`has field ${number} of Event with wire type 0`);
  }

  #clear(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.class = 0;
    this.priority = 0;
    this.hasData = false;
    this.hasIngested = false;
    this.extensionCount = 0;
    this.timeHi = 0;
    this.timeLo = 0;
    this.ingestedHi = 0;
    this.ingestedLo = 0;
    this.sequenceHi = 0;
    this.sequenceLo = 0;
    this.spans.fill(0);
  }
}
