/** What a feed tells of itself: its state, and alerts with how often each has come. */
import type { FeedState, NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import type { Problem } from "./normalizer.ts";

export interface StatusFields {
  readonly venue: string;
  readonly state: FeedState;
  /** Unix nanoseconds. */
  readonly nowNs: bigint;
}

export function statusOf({ venue, state, nowNs }: StatusFields, reason: string): NormalizedMarketDataEvent {
  return {
    venue,
    symbol: "",
    instrument: "",
    exchangeTime: 0n,
    receivedTime: nowNs,
    payload: { $case: "status", value: { state, reason } },
  };
}

export function alertOf(
  fields: StatusFields,
  problem: Problem,
  count: number,
  line: number,
): NormalizedMarketDataEvent {
  const { kind, stream = "", instrument, reason, expected = 0n, received = 0n } = problem;
  const alert = { kind, stream, count: BigInt(count), expected, received, line: BigInt(line) };
  return {
    ...statusOf(fields, reason),
    symbol: instrument?.symbol ?? "",
    instrument: instrument?.key ?? "",
    payload: { $case: "status", value: { state: fields.state, reason, alert } },
  };
}

/** Counts problems; one counter a kind and instrument, of which the normalizer bounds the number. */
export interface Tally {
  /** How many of this kind there are now, on this instrument where one is named. */
  add(problem: Problem): number;
  /** Over all instruments, by the kind's short name: `GAP`, `MALFORMED` ... */
  byKind(): Readonly<Record<string, number>>;
}

export function createTally(): Tally {
  const counts = new Map<string, { readonly kind: string; count: number }>();
  return {
    add({ kind, instrument }) {
      const key = `${kind} ${instrument?.key ?? ""}`;
      const entry = counts.get(key) ?? { kind, count: 0 };
      entry.count += 1;
      counts.set(key, entry);
      return entry.count;
    },
    byKind() {
      const totals: Record<string, number> = {};
      for (const { kind, count } of counts.values()) {
        const short = kind.replace("FEED_ALERT_KIND_", "");
        totals[short] = (totals[short] ?? 0) + count;
      }
      return totals;
    },
  };
}

/** Alerts are told at 1, 2, 4, 8 ... of a kind: a hostile feed can neither hide a problem nor flood the topic with it. */
export const isTold = (count: number): boolean => Number.isInteger(Math.log2(count));
