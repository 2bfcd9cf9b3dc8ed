/**
 * `load.ts <port> <relay>`: one publisher and its subscribers. A run is closed, with so many events on their way at a time
 * (what is the capacity?), or open, at a rate that waits for nobody (what is the latency?).
 */
import { createEvent } from "../fanout/event.ts";
import { clientTextFrame } from "../fanout/frame.ts";
import { join, received } from "../fanout/subscribers.ts";
import { publishText, RELAYS, type RelayName, SUBSCRIBERS } from "./relay.ts";
import { createSequenceReader } from "./sequence-reader.ts";

export type LatencyRun = { readonly ms: number } & ({ readonly window: number } | { readonly rate: number });

export interface LatencyResult {
  readonly perSecond: number;
  /** Milliseconds from when an event was due, sorted; the publisher's answer, and the last subscriber's event. */
  readonly acked: readonly number[];
  readonly delivered: readonly number[];
  /** Share of the events that were refused as too many at a time: neither kept nor delivered. */
  readonly refused: number;
}

/** The first part of an open run is not counted, milliseconds. */
const SETTLE_MS = 300;
const STALLED_AFTER_MS = 20_000;

const [port, name] = process.argv.slice(2);
const relay = RELAYS[name as RelayName];
const run = `${process.pid}`;

let sequence = 0;
/** By sequence: when it was due, and how long until it was there. */
let due = new Map<number, number>();
let acked = new Map<number, number>();
let delivered = new Map<number, number>();
let refused = 0;
let onReturn = (): void => undefined;

const onAck = createSequenceReader('"ref":"', (at) => acked.set(at, performance.now() - due.get(at)!));
const onRefusal = createSequenceReader('"retryAfterMs":', () => {
  refused += 1;
  onReturn();
});
const onEvent = createSequenceReader('"sequence":', (at) => {
  delivered.set(at, performance.now() - due.get(at)!);
  onReturn();
});
const text = (length: number): string => received.toString("latin1", 0, length);

for (let other = 1; other < SUBSCRIBERS; other += 1) await join(Number(port), relay.subscriber, () => undefined);
// Of a round of writes the last one is waited for longest.
await join(Number(port), relay.subscriber, (length) => onEvent(text(length)));
const publisher = await join(Number(port), relay.publisher, (length) => {
  onAck(text(length));
  onRefusal(text(length));
});

process.on("message", (asked: LatencyRun) => {
  void measure(asked).then((result) => process.send?.(result));
});
process.send?.("connected");

async function measure(asked: LatencyRun): Promise<LatencyResult> {
  due = new Map();
  acked = new Map();
  delivered = new Map();
  refused = 0;
  const start = performance.now();
  const sent = "window" in asked ? await closed(asked.window, start + asked.ms) : await open(asked.rate, asked.ms);
  const perSecond = (sent / (performance.now() - start)) * 1_000;
  // The publisher's answer to the last event may come after the event itself.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const counted = start + ("rate" in asked ? SETTLE_MS : 0);
  const of = (latencies: ReadonlyMap<number, number>): readonly number[] =>
    [...delivered.keys()]
      .flatMap((at) => (due.get(at)! < counted ? [] : (latencies.get(at) ?? [])))
      .sort((a, b) => a - b);
  return { perSecond, acked: of(acked), delivered: of(delivered), refused: refused / sent };
}

/** Resolves when all events that were sent have come back, or were refused. */
function closed(window: number, end: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let sent = 0;
  onReturn = () => {
    const now = performance.now();
    if (now < end) {
      const room = window - (sent - delivered.size - refused);
      // Half a window at a time, as a publisher that has more to say would.
      if (room * 2 < window) return;
      publish(Array.from({ length: room }, () => now));
      sent += room;
    } else if (delivered.size + refused === sent) resolve(sent);
  };
  onReturn();
  return orStalled(promise);
}

function open(rate: number, ms: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const start = performance.now();
  const count = Math.floor((rate * ms) / 1_000);
  let sent = 0;
  onReturn = () => {
    if (sent === count && delivered.size + refused === count) resolve(count);
  };
  // A timer is a millisecond late: this looks at the clock in every turn.
  const tick = (): void => {
    const times: number[] = [];
    const until = Math.min(count, Math.floor(((performance.now() - start) * rate) / 1_000));
    for (; sent < until; sent += 1) times.push(start + (sent * 1_000) / rate);
    if (times.length > 0) publish(times);
    if (sent < count) setImmediate(tick);
  };
  tick();
  return orStalled(promise);
}

function publish(times: readonly number[]): void {
  publisher.cork();
  for (const time of times) {
    due.set(sequence, time);
    publisher.write(clientTextFrame(publishText(sequence, run, createEvent(sequence))));
    sequence += 1;
  }
  publisher.uncork();
}

async function orStalled<T>(work: Promise<T>): Promise<T> {
  const stalled = setTimeout(() => {
    throw new Error(`${relay.subject}: ${delivered.size} of ${due.size} events came back`);
  }, STALLED_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(stalled);
  }
}
