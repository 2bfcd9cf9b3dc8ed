/**
 * At least once: what is out and not acknowledged, bounded by the window, and what has to go out again.
 *
 * Events are out in the order they were sent. One that is nacked, or not answered in time, is due again; it keeps its place
 * in the window until it is acknowledged.
 */
import { TransitMap } from "@distribution/collections";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { Lane } from "../subscriptions/index.ts";

export interface OutstandingEvent {
  readonly lane: Lane;
  readonly number: number;
  readonly epoch: string;
  readonly offset: string;
  /** The offset before it on its partition: where to read it from again. */
  readonly before: string;
  attempt: number;
  /** Acknowledged, or given up. */
  settled: boolean;
  /** Monotonic ms; infinite while it waits for its redelivery. */
  deadline: number;
}

export interface Window {
  /** Events that may still be sent. */
  readonly room: number;
  readonly outstanding: number;
  sent(event: Omit<OutstandingEvent, "attempt" | "settled" | "deadline">): void;
  /** False when the event is not out: acknowledged before, or never sent. */
  ack(lane: Lane, epoch: string, offset: string): boolean;
  /** Everything of the lane and epoch up to and including the offset. Returns how many. */
  ackUpto(lane: Lane, epoch: string, offset: string): number;
  nack(lane: Lane, epoch: string, offset: string, delayMs: number): boolean;
  /** The oldest event of the lane that is out: nothing before it is missing. */
  oldest(lane: Lane): OutstandingEvent | undefined;
  close(): void;
}

export interface WindowOptions {
  /** Events out at a time. */
  readonly size: number;
  readonly ackTimeoutMs: number;
  readonly runtime: Runtime;
  readonly compareOffsets: (a: string, b: string) => number;
  /** The event is due again; its attempt is already counted up. */
  readonly redeliver: (event: OutstandingEvent) => void;
}

export function createWindow(options: WindowOptions): Window {
  const { size, ackTimeoutMs, runtime, compareOffsets } = options;
  /** In the order of their deadlines: every (re)delivery goes to the end with the same timeout. */
  const out = new TransitMap<string, OutstandingEvent>();
  /** By lane, in the order of the log; what is settled at the front is cut off when somebody looks. */
  const lanes = new Map<number, OutstandingEvent[]>();
  const delayed = new TransitMap<string, Timer>();
  let timer: Timer | undefined;
  // By index: after an update the lanes are another class's, in the same order.
  const keyOf = (lane: Lane, epoch: string, offset: string): string => `${lane.index}:${epoch}:${offset}`;

  const arm = (): void => {
    if (timer) return;
    let first: OutstandingEvent | undefined;
    for (const event of out.values()) {
      if (event.deadline === Number.POSITIVE_INFINITY) continue;
      first = event;
      break;
    }
    if (!first) return;
    timer = runtime.timers.after(Math.max(0, first.deadline - runtime.clock.monotonicMs()), () => {
      timer = undefined;
      expire();
      arm();
    });
  };

  const expire = (): void => {
    const now = runtime.clock.monotonicMs();
    const due: string[] = [];
    for (const [key, event] of out) {
      if (event.deadline === Number.POSITIVE_INFINITY) continue;
      if (event.deadline > now) break;
      due.push(key);
    }
    for (const key of due) again(key);
  };

  const again = (key: string): void => {
    const event = out.get(key);
    if (!event) return;
    out.delete(key);
    out.set(key, event);
    event.attempt += 1;
    event.deadline = runtime.clock.monotonicMs() + ackTimeoutMs;
    options.redeliver(event);
    arm();
  };

  const settle = (key: string): boolean => {
    delayed.get(key)?.cancel();
    delayed.delete(key);
    const event = out.get(key);
    if (event) event.settled = true;
    return out.delete(key);
  };

  /** What of the lane is out, oldest first. */
  const outOf = (lane: Lane): readonly OutstandingEvent[] => {
    const events = lanes.get(lane.index) ?? [];
    let settled = 0;
    while (events[settled]?.settled) settled += 1;
    if (settled > 0) events.splice(0, settled);
    return events;
  };

  return {
    get room() {
      return size - out.size;
    },
    get outstanding() {
      return out.size;
    },
    sent(sent) {
      const deadline = runtime.clock.monotonicMs() + ackTimeoutMs;
      const event: OutstandingEvent = { ...sent, attempt: 1, settled: false, deadline };
      out.set(keyOf(event.lane, event.epoch, event.offset), event);
      const events = lanes.get(event.lane.index);
      if (events) events.push(event);
      else lanes.set(event.lane.index, [event]);
      arm();
    },
    ack: (lane, epoch, offset) => settle(keyOf(lane, epoch, offset)),
    ackUpto(lane, epoch, offset) {
      const reached = outOf(lane).filter(
        (event) => !event.settled && event.epoch === epoch && compareOffsets(event.offset, offset) <= 0,
      );
      for (const event of reached) settle(keyOf(lane, event.epoch, event.offset));
      return reached.length;
    },
    nack(lane, epoch, offset, delayMs) {
      const key = keyOf(lane, epoch, offset);
      const event = out.get(key);
      if (!event) return false;
      event.deadline = Number.POSITIVE_INFINITY;
      delayed.get(key)?.cancel();
      delayed.set(
        key,
        runtime.timers.after(delayMs, () => {
          delayed.delete(key);
          again(key);
        }),
      );
      return true;
    },
    oldest: (lane) => outOf(lane)[0],
    close() {
      timer?.cancel();
      for (const each of delayed.values()) each.cancel();
      out.clear();
      lanes.clear();
    },
  };
}
