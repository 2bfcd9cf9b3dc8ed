/**
 * A history: every event that was offered, what became of the offer, and what each observer saw in which order.
 *
 * - lost: acknowledged, and an observer that should have seen it did not;
 * - duplicated: seen more than once by an observer that must see each once;
 * - reordered: first seen after a later event of its key;
 * - phantom: seen, but never published, or refused;
 * - torn: of one atomic call, some events were seen and others not.
 */
import { FaultCounter, type HistoryReport } from "./report.ts";

export type Outcome = "unknown" | "acknowledged" | "refused";

export interface ObserverOptions {
  /** At-least-once: repeated sightings are counted as redelivered, not as a fault. Default false. */
  readonly redeliveries?: boolean;
  /** Which of the published events it should see. Default: all. */
  readonly expects?: (id: string, key: string) => boolean;
}

export interface Observer {
  readonly name: string;
  /** To be called in the order of seeing. */
  saw(id: string): void;
}

export interface History {
  /**
   * An event is about to be offered; to be called in the order in which events of one key are offered. `call` names the atomic
   * call it belongs to, if any. An empty key has no order. Throws on an id that was used before.
   */
  publish(id: string, key: string, call?: string): void;
  /** What became of the offer. Without it the outcome stays unknown: the event may have been taken or not. */
  settle(id: string, outcome: Exclude<Outcome, "unknown">): void;
  observer(name: string, options?: ObserverOptions): Observer;
  /** Judges all observers; may be called again later. */
  report(): HistoryReport;
}

interface Published {
  readonly key: string;
  readonly call: string | undefined;
  /** Place in the order of publishing. */
  readonly sequence: number;
  outcome: Outcome;
}

interface Watch {
  readonly name: string;
  readonly options: ObserverOptions;
  /** In order of seeing. */
  readonly sightings: string[];
}

export function createHistory(): History {
  const published = new Map<string, Published>();
  const watches: Watch[] = [];
  return {
    publish(id, key, call) {
      if (published.has(id)) throw new Error(`The event ${id} was published before: ids must be unique in a history.`);
      published.set(id, { key, call, sequence: published.size, outcome: "unknown" });
    },
    settle(id, outcome) {
      const event = published.get(id);
      if (event === undefined) throw new Error(`The event ${id} was ${outcome}, but never published.`);
      event.outcome = outcome;
    },
    observer(name, options = {}) {
      const watch: Watch = { name, options, sightings: [] };
      watches.push(watch);
      return { name, saw: (id) => void watch.sightings.push(id) };
    },
    report: () => judge(published, watches),
  };
}

function judge(published: ReadonlyMap<string, Published>, watches: readonly Watch[]): HistoryReport {
  const faults = new FaultCounter();
  let seen = 0;
  let redelivered = 0;
  for (const watch of watches) {
    const walked = walk(published, watch, faults);
    seen += walked.seen.size;
    redelivered += walked.redelivered;
    judgeMissing(published, watch, walked.seen, faults);
  }
  const outcomes = { unknown: 0, acknowledged: 0, refused: 0 };
  for (const { outcome } of published.values()) outcomes[outcome] += 1;
  return {
    ...outcomes,
    published: published.size,
    seen,
    redelivered,
    lost: faults.get("lost"),
    duplicated: faults.get("duplicated"),
    reordered: faults.get("reordered"),
    phantom: faults.get("phantom"),
    torn: faults.get("torn"),
    faultless: faults.total === 0,
  };
}

/** What one observer saw, in its order: phantoms, duplicates and what came after a later event of its key. */
function walk(
  published: ReadonlyMap<string, Published>,
  { name, options, sightings }: Watch,
  faults: FaultCounter,
): { seen: Set<string>; redelivered: number } {
  const seen = new Set<string>();
  const latest = new Map<string, { readonly id: string; readonly sequence: number }>();
  let redelivered = 0;
  for (const id of sightings) {
    const event = published.get(id);
    if (event === undefined || event.outcome === "refused") {
      faults.add("phantom", `${name} saw ${id}, which was ${event === undefined ? "never published" : "refused"}`);
    } else if (seen.has(id)) {
      if (options.redeliveries === true) redelivered += 1;
      else faults.add("duplicated", `${name} saw ${id} of key ${event.key} again`);
    } else {
      seen.add(id);
      if (event.key === "") continue;
      const before = latest.get(event.key);
      if (before === undefined || before.sequence < event.sequence)
        latest.set(event.key, { id, sequence: event.sequence });
      else faults.add("reordered", `${name} saw ${id} of key ${event.key} after the later ${before.id}`);
    }
  }
  return { seen, redelivered };
}

/** What one observer did not see: acknowledged events, and the rest of calls of which it saw a part. */
function judgeMissing(
  published: ReadonlyMap<string, Published>,
  { name, options }: Watch,
  seen: ReadonlySet<string>,
  faults: FaultCounter,
): void {
  const calls = new Map<string, { seen: boolean; missing: string | undefined }>();
  for (const [id, { key, call, outcome }] of published) {
    if (options.expects !== undefined && !options.expects(id, key)) continue;
    if (outcome === "acknowledged" && !seen.has(id)) {
      faults.add("lost", `${name} did not see ${id} of key ${key}, which was acknowledged`);
    }
    if (call === undefined) continue;
    const state = calls.get(call) ?? { seen: false, missing: undefined };
    if (seen.has(id)) state.seen = true;
    else state.missing ??= id;
    calls.set(call, state);
  }
  for (const [call, state] of calls) {
    if (state.seen && state.missing !== undefined) {
      faults.add("torn", `${name} saw a part of call ${call}, without ${state.missing}`);
    }
  }
}
