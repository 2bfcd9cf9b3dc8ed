/**
 * `load.ts <domain> <url> <events> [<url of one that plays recordings>]`: has so many events of a domain's own mix, and on
 * request publishes the next of them, all at once or at a rate that waits for nobody; one subscriber reads all of the domain's topics.
 */
import { connect } from "@distribution/client";
import { type Domain, RECORDED } from "./app.ts";
import { createLanes } from "./lanes.ts";
import { recordedMix, type Told, worldMix } from "./mix.ts";

export interface DomainRun {
  readonly events: number;
  /** The events' own distances, stretched so that they are told within this time, milliseconds. Undefined: all at once. */
  readonly ms?: number;
}

export interface DomainResult {
  /** From the first publish to the last answer. */
  readonly seconds: number;
  /** From when an event was due until the subscriber had it, milliseconds, sorted. */
  readonly latencies: readonly number[];
}

const STALLED_AFTER_MS = 30_000;

const [domain, url, events, recordedUrl = ""] = process.argv.slice(2) as [Domain, string, string, string?];
const mix = domain === RECORDED ? await recordedMix(recordedUrl, Number(events)) : worldMix(domain, Number(events));

const publisher = connect({ url });
const lanes = createLanes((topic, batch) => publisher.publish(topic, batch));
/** Events on their way: when they were due. */
const due = new Map<string, number>();
let latencies: number[] = [];
let onAllThere = (): void => undefined;

const subscription = connect({ url }).subscribe({ topics: `${domain}.>` });
subscription.onEvents((received) => {
  const now = performance.now();
  for (const { source, id } of received) {
    const key = `${source} ${id}`;
    const at = due.get(key);
    // A route's copy of an event that is there.
    if (at === undefined) continue;
    latencies.push(now - at);
    due.delete(key);
  }
  if (due.size === 0) onAllThere();
});
await Promise.all([publisher.ready, subscription.ready]);

process.on("message", (run: DomainRun) => {
  void measure(run).then((result) => process.send?.(result));
});
process.send?.("ready");

async function measure({ events: count, ms = 0 }: DomainRun): Promise<DomainResult> {
  const told = mix.splice(0, count);
  if (told.length < count) throw new Error(`${domain}: ${told.length} events are left of the mix, not ${count}`);
  latencies = [];
  const start = performance.now();
  const dueAt = dueTimes(told, start, ms);
  for (const [index, { event }] of told.entries()) due.set(`${event.source} ${event.id}`, dueAt[index]!);
  const allThere = new Promise<void>((resolve) => {
    onAllThere = resolve;
  });
  const stalled = setTimeout(() => {
    throw new Error(`${domain}: ${due.size} of ${count} events did not come within ${STALLED_AFTER_MS} ms`);
  }, STALLED_AFTER_MS);
  await push(told, dueAt);
  await lanes.settled();
  const seconds = (performance.now() - start) / 1_000;
  await allThere;
  clearTimeout(stalled);
  return { seconds, latencies: latencies.sort((a, b) => a - b) };
}

function dueTimes(told: readonly Told[], start: number, ms: number): readonly number[] {
  const first = told[0]?.at ?? 0n;
  const micros = told.map(({ at }) => Number((at - first) / 1_000n));
  return micros.map((at) => start + (at / Math.max(1, micros.at(-1) ?? 1)) * ms);
}

/** A timer is a millisecond late: this looks at the clock in every turn. */
async function push(told: readonly Told[], dueAt: readonly number[]): Promise<void> {
  for (let at = 0; at < told.length; ) {
    const now = performance.now();
    let end = at;
    while (end < told.length && dueAt[end]! <= now) end += 1;
    if (end > at) lanes.push(told.slice(at, end));
    at = end;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
