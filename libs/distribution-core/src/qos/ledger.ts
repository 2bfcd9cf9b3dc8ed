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

export interface Ledger {
  /** `filtered` is what remains: it is never counted event by event. */
  add(passed: { published: number; delivered: number; conflated?: number; dropped?: number }): void;
  read(): LedgerReading;
}

export function createLedger(): Ledger {
  let published = 0;
  let delivered = 0;
  let conflated = 0;
  let dropped = 0;
  return {
    add(passed) {
      published += passed.published;
      delivered += passed.delivered;
      conflated += passed.conflated ?? 0;
      dropped += passed.dropped ?? 0;
    },
    read: () => ({
      published,
      delivered,
      counts: {
        filtered: published - delivered - conflated - dropped,
        conflated,
        expired: 0,
        dropped,
        denied: 0,
        deadLettered: 0,
      },
    }),
  };
}
