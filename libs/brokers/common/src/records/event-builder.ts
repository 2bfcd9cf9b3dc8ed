/** Builds Event messages, attribute by attribute, one behind the other into a batch. */
import { DistributionError } from "@distribution/core/errors";
import { BATCH_TAG, lengthSize, type PackedBatch, writeLength } from "@distribution/core/events";
import { type Attribute, DATA_TAG, EXTENSIONS_TAG, LAST_REQUIRED_TAG, VERSION } from "./attributes.ts";
import { latin1, type MutableInt64 } from "./int64.ts";

/** Below this a loop copies faster than a call into the runtime. Measured on Node 24. */
const LOOP_COPY_BYTES = 48;

/** Batches share memory of this size; larger ones have their own. */
const CHUNK_BYTES = 16 * 1024;

/** Before a message: the batch's tag, and the message's length. */
const FRONT_BYTES = 6;

const NOTHING = new Uint8Array(0);

/** The version of CloudEvents, which is bit 0, and fields 1 to 3. */
const REQUIRED = 0b1111;

export class EventBuilder {
  /** Events that were ended and not yet taken. */
  count = 0;
  #bytes: Uint8Array = NOTHING;
  /** Where the batch begins, where the last event of it ends, where the one at hand begins, and where it is written on. */
  #start = 0;
  #end = 0;
  #event = 0;
  #at = 0;
  #bounds = new Uint32Array(128);
  /** Of the length of the event before: mostly also of the one at hand. */
  #lengthBytes = 1;
  #required = 0;
  #data: Uint8Array | undefined;
  #dataFrom = 0;
  #dataTo = 0;
  readonly #number: MutableInt64 = { hi: 0, lo: 0 };

  /**
   * Begins an event of at most so many bytes, its data those of `data` from here to there; one that was begun and not ended is
   * dropped. False: there is no room beside what is there already, which is to be taken first.
   */
  begin(most: number, data: Uint8Array | undefined, from: number, to: number): boolean {
    if (!this.#hasRoom(FRONT_BYTES + most)) return false;
    this.#event = this.#end + 1 + this.#lengthBytes;
    this.#at = this.#event;
    this.#required = 0;
    this.#data = data;
    this.#dataFrom = from;
    this.#dataTo = to;
    return true;
  }

  /** In the order of the event's fields. Throws DistributionError on a value that the attribute cannot have. */
  attribute(attribute: Attribute, bytes: Uint8Array, from: number, to: number): void {
    const { tag, number } = attribute;
    if (attribute === VERSION) {
      if (isVersion(bytes, from, to)) this.#required |= 1;
      return;
    }
    this.#reach(tag);
    if (number === undefined) this.#write(tag, bytes, from, to);
    else if (number.parse(bytes, from, to, this.#number)) this.#writeNumber(tag);
    else {
      const found = JSON.stringify(Buffer.from(bytes.subarray(from, to)).toString().slice(0, 40));
      throw new DistributionError("invalid_event", `its ${attribute.name} is ${found}, which it cannot be`);
    }
    if (tag <= LAST_REQUIRED_TAG && to > from) this.#required |= 1 << (tag >> 3);
  }

  /** An attribute that no field is for. The type is that of TYPES_HEADER; absent: text. */
  extension(name: string, bytes: Uint8Array, from: number, to: number, type: string | undefined): void {
    this.#reach(EXTENSIONS_TAG);
    const value = attributeBytes(bytes.subarray(from, to), type);
    const size = 1 + lengthSize(name.length) + name.length + 1 + lengthSize(value.length) + value.length;
    this.#bytes[this.#at] = EXTENSIONS_TAG;
    this.#at = writeLength(this.#bytes, this.#at + 1, size);
    this.#write(0x0a, Buffer.from(name, "latin1"), 0, name.length);
    this.#write(0x12, value, 0, value.length);
  }

  /** Whether the event at hand is, byte for byte, this message; it is dropped. */
  endsAs(message: Uint8Array): boolean {
    this.#reach(Number.POSITIVE_INFINITY);
    if (this.#required !== REQUIRED || this.#at - this.#event !== message.length) return false;
    return Buffer.compare(this.#bytes.subarray(this.#event, this.#at), message) === 0;
  }

  /** False: the event lacks what is required of any, and is dropped. */
  end(): boolean {
    this.#reach(Number.POSITIVE_INFINITY);
    if (this.#required !== REQUIRED) return false;
    const length = this.#at - this.#event;
    const lengthBytes = lengthSize(length);
    if (lengthBytes !== this.#lengthBytes) {
      const event = this.#end + 1 + lengthBytes;
      this.#bytes.copyWithin(event, this.#event, this.#at);
      this.#event = event;
      this.#lengthBytes = lengthBytes;
    }
    this.#bytes[this.#end] = BATCH_TAG;
    writeLength(this.#bytes, this.#end + 1, length);
    this.#end = this.#event + length;
    this.#note(this.#event - this.#start, this.#end - this.#start);
    return true;
  }

  /** What was ended since the last time. */
  take(): PackedBatch {
    const bytes = this.#bytes.subarray(this.#start, this.#end);
    const batch = { bytes, count: this.count, bounds: this.#bounds.slice(0, 2 * this.count) };
    this.#start = this.#end;
    this.count = 0;
    return batch;
  }

  #hasRoom(bytes: number): boolean {
    if (bytes <= this.#bytes.length - this.#end) return true;
    if (this.count > 0) return false;
    this.#bytes = Buffer.allocUnsafeSlow(4 * bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
    this.#start = 0;
    this.#end = 0;
    return true;
  }

  /** Encoders write fields in the order of their numbers, the data among them. */
  #reach(tag: number): void {
    if (this.#data === undefined || tag < DATA_TAG) return;
    this.#write(DATA_TAG, this.#data, this.#dataFrom, this.#dataTo);
    this.#data = undefined;
  }

  #write(tag: number, value: Uint8Array, from: number, to: number): void {
    const target = this.#bytes;
    target[this.#at] = tag;
    let at = writeLength(target, this.#at + 1, to - from);
    if (to - from > LOOP_COPY_BYTES) {
      target.set(value.subarray(from, to), at);
      at += to - from;
    } else for (let index = from; index < to; index += 1) target[at++] = value[index]!;
    this.#at = at;
  }

  #writeNumber(tag: number): void {
    const target = this.#bytes;
    let at = this.#at;
    target[at++] = tag;
    let { hi: high, lo: low } = this.#number;
    while (high > 0 || low > 0x7f) {
      target[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | ((high & 0x7f) << 25)) >>> 0;
      high >>>= 7;
    }
    target[at++] = low;
    this.#at = at;
  }

  #note(from: number, to: number): void {
    if (2 * this.count === this.#bounds.length) {
      const more = new Uint32Array(2 * this.#bounds.length);
      more.set(this.#bounds);
      this.#bounds = more;
    }
    this.#bounds[2 * this.count] = from;
    this.#bounds[2 * this.count + 1] = to;
    this.count += 1;
  }
}

/** "1.0". */
const isVersion = (bytes: Uint8Array, from: number, to: number): boolean =>
  to - from === 3 && bytes[from] === 0x31 && bytes[from + 1] === 0x2e && bytes[from + 2] === 0x30;

/** An Attribute message. */
function attributeBytes(bytes: Uint8Array, type: string | undefined): Buffer {
  if (type === "boolean") return Buffer.of(0x18, latin1(bytes) === "true" ? 1 : 0);
  if (type === "integer") {
    const integer = Number(latin1(bytes)) | 0;
    const front = Buffer.alloc(6);
    front[0] = 0x10;
    return front.subarray(0, writeLength(front, 1, ((integer << 1) ^ (integer >> 31)) >>> 0));
  }
  const front = Buffer.alloc(1 + lengthSize(bytes.length));
  front[0] = 0x0a;
  writeLength(front, 1, bytes.length);
  return Buffer.concat([front, bytes]);
}
