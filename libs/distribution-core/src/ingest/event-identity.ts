/** What an event is known by: its (source, id), its body, and its place in its source's sequence. Nothing is allocated. */
import { type Envelope, EVENT_FIELD } from "../events/index.ts";
import { viewOf } from "../events/words.ts";
import type { Random } from "../runtime/index.ts";
import { BodyFingerprint } from "./body-fingerprint.ts";
import { KeyedHash } from "./keyed-hash.ts";

/** Words of a print: 96 bits of (source, id), 64 bits of the body. */
export const PRINT_WORDS = 5;

export class EventIdentity {
  /** Of (source, id), and after `takeKey` of (source, key). */
  readonly hash: KeyedHash;
  readonly #body: BodyFingerprint;
  /** Event.sequence, as unsigned words; both 0: the source keeps none. */
  sequenceHi = 0;
  sequenceLo = 0;

  constructor(random: Random) {
    this.hash = new KeyedHash(random.bytes(8));
    this.#body = new BodyFingerprint(random.bytes(8));
  }

  /**
   * Puts the event's print at `prints[at]`. `eventClass`: the one that is stored. `bodyIsKnown`: false leaves the body's words 0,
   * which equal every other body.
   */
  print(envelope: Envelope, eventClass: number, prints: Uint32Array, at: number, bodyIsKnown = true): void {
    const { hash } = this;
    const view = viewOf(envelope.bytes);
    hash.start();
    hash.add(view, envelope.startOf(EVENT_FIELD.source), envelope.endOf(EVENT_FIELD.source));
    hash.mark();
    hash.add(view, envelope.startOf(EVENT_FIELD.id), envelope.endOf(EVENT_FIELD.id));
    hash.finish();
    this.sequenceHi = envelope.sequenceHi >>> 0;
    this.sequenceLo = envelope.sequenceLo >>> 0;
    prints[at] = hash.a;
    prints[at + 1] = hash.b;
    prints[at + 2] = hash.c;
    const body = this.#body;
    if (bodyIsKnown) body.take(envelope, eventClass, this.sequenceHi, this.sequenceLo);
    prints[at + 3] = bodyIsKnown ? body.a : 0;
    prints[at + 4] = bodyIsKnown ? body.b : 0;
  }

  /** Replaces the hash by that of (source, key) of the event printed last. */
  takeKey(envelope: Envelope): void {
    const { hash } = this;
    hash.resume();
    hash.add(viewOf(envelope.bytes), envelope.startOf(EVENT_FIELD.key), envelope.endOf(EVENT_FIELD.key));
    hash.finish();
  }
}
