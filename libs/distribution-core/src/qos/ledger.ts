/** Per subscription, what was not delivered and why: published = delivered + the sum of these, always. */
export const LEDGER_REASONS = ["filtered", "conflated", "expired", "dropped", "denied", "deadLettered"] as const;

export type LedgerReason = (typeof LEDGER_REASONS)[number];

export interface LedgerReading {
  /** Events in the subscription's topics that its cursor has passed. */
  readonly published: number;
  /** Handed to the wire as a first delivery. */
  readonly delivered: number;
  readonly counts: Readonly<Record<LedgerReason, number>>;
}

export interface Passed {
  readonly published: number;
  readonly delivered: number;
  readonly conflated?: number;
  readonly dropped?: number;
}

export class Ledger {
  #published = 0;
  #delivered = 0;
  #conflated = 0;
  #dropped = 0;

  /** `filtered` is what remains: it is never counted event by event. */
  add({ published, delivered, conflated = 0, dropped = 0 }: Passed): void {
    this.#published += published;
    this.#delivered += delivered;
    this.#conflated += conflated;
    this.#dropped += dropped;
  }

  read(): LedgerReading {
    const [published, delivered, conflated, dropped] = [
      this.#published,
      this.#delivered,
      this.#conflated,
      this.#dropped,
    ];
    const filtered = published - delivered - conflated - dropped;
    return { published, delivered, counts: { filtered, conflated, expired: 0, dropped, denied: 0, deadLettered: 0 } };
  }
}
