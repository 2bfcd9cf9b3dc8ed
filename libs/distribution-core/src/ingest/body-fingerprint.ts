/**
 * 64 bits that tell the body of one event from another's: what decides whether a repeated (source, id) is the same event.
 *
 * The body is everything a publisher says, apart from what the service itself writes into stored events: `ingested`,
 * `priority` and the extension `regions`. It is taken field by field, in a fixed order and regardless of the order of
 * extensions, so that it comes out the same for the published and the stored bytes, and for a publisher whose encoder
 * orders maps differently on every run.
 *
 * Whoever makes two bodies of one id collide deceives only himself, so a quick multiplicative hash will do here.
 */
import { type Envelope, EVENT_FIELD, readExtensions } from "../events/index.ts";
import { viewOf } from "../events/words.ts";
import { REGIONS } from "./stamps.ts";

const FIELDS = Int32Array.of(
  EVENT_FIELD.type,
  EVENT_FIELD.subject,
  EVENT_FIELD.key,
  EVENT_FIELD.contentType,
  EVENT_FIELD.data,
  EVENT_FIELD.dataSchema,
);

const FIRST = Int32Array.of(0);

/** Bytes of a piece from which on pairs are quicker. */
const LONG = 64;

export class BodyFingerprint {
  /** The fingerprint last taken: two unsigned words, not both 0. */
  a = 0;
  b = 0;
  readonly #seedA: number;
  readonly #seedB: number;
  #x = 0;
  #y = 0;

  /** `secret`: 8 bytes. */
  constructor(secret: Uint8Array) {
    const view = new DataView(secret.buffer, secret.byteOffset, secret.byteLength);
    this.#seedA = view.getInt32(0, true);
    this.#seedB = view.getInt32(4, true);
  }

  /** `eventClass`: what is stored, which for an unstated class is the type's own. */
  take(envelope: Envelope, eventClass: number, sequenceHi: number, sequenceLo: number): void {
    this.#x = this.#seedA;
    this.#y = this.#seedB;
    this.#pieces(viewOf(envelope.bytes), envelope.spans, FIELDS);
    this.#word((eventClass << 1) | (envelope.hasData ? 1 : 0));
    this.#word(envelope.timeHi);
    this.#word(envelope.timeLo);
    this.#word(sequenceHi);
    this.#word(sequenceLo);
    if (envelope.extensionCount > 0) this.#extensions(envelope);
    this.a = avalanche(this.#x);
    this.b = avalanche(this.#y);
    // Both words 0 stand for a body that is not known.
    if (this.a === 0 && this.b === 0) this.b = 1;
  }

  /** Pieces of bytes, each after its length. `spans`: start and end by piece. */
  #pieces(view: DataView, spans: Int32Array, pieces: Int32Array): void {
    let x = this.#x;
    let y = this.#y;
    for (let index = 0; index < pieces.length; index += 1) {
      const start = spans[2 * pieces[index]!]!;
      const end = spans[2 * pieces[index]! + 1]!;
      const last = end - 4;
      const head = last < start ? fewBytes(view, start, end) : end - start;
      x = Math.imul(x ^ head, 0x9e3779b1);
      x = (x << 13) | (x >>> 19);
      y = Math.imul(y + head, 0x85ebca6b);
      y = (y << 17) | (y >>> 15);
      if (last < start) continue;
      let at = start;
      if (end - start >= LONG) {
        this.#x = x;
        this.#y = y;
        at = this.#pairs(view, start, end);
        x = this.#x;
        y = this.#y;
      }
      // The last word may overlap the one before: a loop with one read in it is what the compiler does best.
      for (; at < end; at += 4) {
        const word = view.getInt32(Math.min(at, last), true);
        x = Math.imul(x ^ word, 0x9e3779b1);
        x = (x << 13) | (x >>> 19);
        y = Math.imul(y + word, 0x85ebca6b);
        y = (y << 17) | (y >>> 15);
      }
    }
    this.#x = x;
    this.#y = y;
  }

  /** Words two at a time, in two chains each: one chain alone would wait for its own multiplications. Answers where they end. */
  #pairs(view: DataView, start: number, end: number): number {
    let x = this.#x;
    let y = this.#y;
    let x2 = ~x;
    let y2 = ~y;
    let at = start;
    for (; at + 8 <= end; at += 8) {
      const first = view.getInt32(at, true);
      const second = view.getInt32(at + 4, true);
      x = Math.imul(x ^ first, 0x9e3779b1);
      x = (x << 13) | (x >>> 19);
      y = Math.imul(y + first, 0x85ebca6b);
      y = (y << 17) | (y >>> 15);
      x2 = Math.imul(x2 ^ second, 0x9e3779b1);
      x2 = (x2 << 13) | (x2 >>> 19);
      y2 = Math.imul(y2 + second, 0x85ebca6b);
      y2 = (y2 << 17) | (y2 >>> 15);
    }
    this.#x = x;
    this.#y = y;
    // Each chain's state goes into both lanes: 64 bits still depend on every word.
    this.#word(x2);
    this.#word(y2);
    return at;
  }

  #word(word: number): void {
    const x = Math.imul(this.#x ^ word, 0x9e3779b1);
    this.#x = (x << 13) | (x >>> 19);
    const y = Math.imul(this.#y + word, 0x85ebca6b);
    this.#y = (y << 17) | (y >>> 15);
  }

  /** The sum of the attributes' own hashes: the same in any order. */
  #extensions(envelope: Envelope): void {
    const beforeX = this.#x;
    const beforeY = this.#y;
    let sumX = 0;
    let sumY = 0;
    let counted = 0;
    for (const [name, value] of readExtensions(envelope)) {
      if (name === REGIONS) continue;
      this.#x = beforeX;
      this.#y = beforeY;
      const text = Buffer.from(`${name}=${typeof value}:${value}`, "utf8");
      this.#pieces(viewOf(text), Int32Array.of(0, text.length), FIRST);
      sumX = (sumX + avalanche(this.#x)) | 0;
      sumY = (sumY + avalanche(this.#y)) | 0;
      counted += 1;
    }
    this.#x = beforeX;
    this.#y = beforeY;
    if (counted === 0) return;
    this.#word(sumX);
    this.#word(sumY);
  }
}

/** Fewer than four bytes, behind their number in a form that is below 0, as no length is. */
function fewBytes(view: DataView, start: number, end: number): number {
  let word = end - start - 128;
  for (let at = start; at < end; at += 1) word = (word << 8) | view.getUint8(at);
  return word;
}

/** The finalizer of MurmurHash3: every bit of the result depends on every bit of the input. */
function avalanche(value: number): number {
  let bits = value ^ (value >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
