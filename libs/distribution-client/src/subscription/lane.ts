/** One partition of a subscription: the chain of positions that came, and what the consumer still owes an answer for. */
import { TransitMap } from "@distribution/collections";
import type { Position } from "@distribution/proto-types/distribution/v1/frames";

/** What became of an event that is out: waits in the buffer, is in the consumer's hands, was refused, or is done with. */
type Standing = "waiting" | "taken" | "nacked" | "settled";

interface Outstanding {
  readonly position: Position;
  standing: Standing;
}

export type Admission =
  | "new"
  /** It is here already: unanswered. */
  | "duplicate"
  /** It was here and is done with. */
  | "settled";

export class Lane {
  /** Up to where frames have come. */
  chain: Position;
  /** Everything up to here is done with, as far as something after it is out. */
  #settled: Position;
  /** In log order, from the oldest one that is not settled. */
  readonly #out = new TransitMap<string, Outstanding>();
  /** What the service is going to send a second time, since the subscription resumed before it. */
  readonly #replayed = new Set<string>();
  /** The last position that was looked at. */
  #passed: Position;

  constructor(start: Position) {
    this.chain = start;
    this.#settled = start;
    this.#passed = start;
  }

  /** Where a later subscription goes on without losing what is not done with. */
  get resume(): Position {
    return this.#out.size > 0 || this.#replayed.size > 0 ? this.#settled : this.chain;
  }

  /** A new session is asked to go on at `resume`: everything that is out now comes again, whatever is answered meanwhile. */
  replay(): Position {
    const { resume } = this;
    this.#replayed.clear();
    for (const key of this.#out.keys()) this.#replayed.add(key);
    return resume;
  }

  /** Where the new session begins. */
  start(position: Position): void {
    this.chain = position;
    this.#passed = position;
  }

  /** A frame of first deliveries begins. */
  follow(after: Position, upto: Position): void {
    this.chain = upto;
    this.#passed = after;
  }

  /** The next first delivery of the frame. */
  admit(position: Position): Admission {
    const key = keyOf(position);
    const before = this.#passed;
    this.#passed = position;
    if (this.#replayed.delete(key)) return this.#admitReplayed(key);
    // In log order: with the first new event, what was to come again has come, or was conflated or filtered away.
    this.#replayed.clear();
    if (this.#out.size === 0) this.#settled = before;
    this.#out.set(key, { position, standing: "waiting" });
    return "new";
  }

  #admitReplayed(key: string): Admission {
    const found = this.#out.get(key);
    if (found === undefined || found.standing === "settled") return "settled";
    // What the consumer refused in the last session is due again, and this session sends it only now.
    if (found.standing !== "nacked") return "duplicate";
    found.standing = "waiting";
    return "new";
  }

  /** A redelivery: true when the consumer should see it, false while it waits in the buffer or is done with. */
  admitAgain(position: Position): boolean {
    const found = this.#out.get(keyOf(position));
    if (found === undefined || found.standing === "waiting" || found.standing === "settled") return false;
    found.standing = "waiting";
    return true;
  }

  /** Given to the consumer. False: it was answered meanwhile. */
  take(position: Position): boolean {
    const found = this.#out.get(keyOf(position));
    if (found === undefined || found.standing === "settled") return false;
    found.standing = "taken";
    return true;
  }

  /** Done with. False: it was already. */
  settle(position: Position): boolean {
    const found = this.#out.get(keyOf(position));
    if (found === undefined || found.standing === "settled") return false;
    found.standing = "settled";
    for (const [key, { standing, position: at }] of this.#out) {
      if (standing !== "settled") break;
      this.#out.delete(key);
      this.#settled = at;
    }
    return true;
  }

  nack(position: Position): boolean {
    const found = this.#out.get(keyOf(position));
    if (found?.standing !== "taken") return false;
    found.standing = "nacked";
    return true;
  }

  /** In the consumer's hands and not refused. */
  isTaken(position: Position): boolean {
    return this.#out.get(keyOf(position))?.standing === "taken";
  }
}

const keyOf = ({ epoch, offset }: Position): string => `${epoch} ${offset}`;
