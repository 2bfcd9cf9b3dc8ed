/** A log in memory behind the contracts that the REST face sees: what ingest, tail and broker are in a service. */

import type { PartitionInfo } from "../../../src/brokers/contract.ts";
import { type Position, partitionOf } from "../../../src/brokers/index.ts";
import { DistributionError, fieldError } from "../../../src/errors.ts";
import { decodeEvent, encodeEvent, fromHttpBinary, messageAt } from "../../../src/events/index.ts";
import type { Ingest } from "../../../src/ingest/contract.ts";
import type { Metrics } from "../../../src/observability/index.ts";
import type { Filter } from "../../../src/subscriptions/contract.ts";
import type { HistoryRequest, PlacedEvent, Queries } from "../../../src/tail/contract.ts";

export const EPOCH = "e1";
/** Append times count up from here by one second, unless `tick` says otherwise. */
export const FIRST_APPEND = 1_767_623_400_000_000_000n;

interface Stored extends PlacedEvent {
  readonly key: string;
  readonly identity: string;
  readonly json: string;
}

export interface MemoryLog {
  readonly ingest: Ingest;
  readonly queries: Queries;
  /** Nanoseconds from one publish to the next. */
  tick: bigint;
  /** Events of one list that history gives. */
  listSize: number;
  /** Thrown by history after so many events. */
  fail: { readonly after: number; readonly error: unknown } | undefined;
  /** Histories that run now. */
  readonly open: number;
  /** Awaited by history before its first list. */
  hold: Promise<void> | undefined;
  partitions(topic: string): Promise<readonly PartitionInfo[]>;
  /** Puts in events of one size, each with a key of its own, past ingest. */
  seed(topic: string, count: number, dataBytes: number): void;
  /** Damages the bytes of the newest event. */
  damage(topic: string): void;
}

export function createMemoryLog(partitionCount: number, metrics: Metrics): MemoryLog {
  const topics = new Map<string, Stored[]>();
  const eventsOf = (topic: string): Stored[] => {
    const events = topics.get(topic) ?? [];
    topics.set(topic, events);
    return events;
  };
  let now = FIRST_APPEND;
  let open = 0;
  const log: MemoryLog = {
    tick: 1_000_000_000n,
    listSize: 3,
    fail: undefined,
    hold: undefined,
    get open() {
      return open;
    },
    ingest: {
      async publish(topic, batch) {
        const events = eventsOf(topic);
        const positions: Position[] = [];
        const fresh: Stored[] = [];
        for (let index = 0; index < batch.count; index += 1) {
          const bytes = messageAt(batch, index);
          const event = decodeEvent(bytes);
          const identity = `${event.source} ${event.id}`;
          const json = Buffer.from(bytes).toString("hex");
          const known = [...events, ...fresh].find((candidate) => candidate.identity === identity);
          if (known && known.json !== json)
            throw fieldError("event_conflict", `events[${index}]`, "came with another body");
          const partition = partitionOf(event.key, partitionCount);
          const offset = String(
            [...events, ...fresh].filter(({ position }) => position.partition === partition).length + 1,
          );
          const position = known?.position ?? { topic, partition, epoch: EPOCH, offset };
          if (!known) fresh.push({ position, appendedAt: now, bytes, key: event.key, identity, json });
          positions.push(position);
        }
        now += log.tick;
        events.push(...fresh);
        metrics.counter("distribution_ingest_events_total", { topic }).value += fresh.length;
        metrics.counter("distribution_ingest_bytes_total", { topic }).value += batch.bytes.length;
        return { positions, duplicates: positions.length - fresh.length };
      },
    },
    queries: {
      async *history(request) {
        open += 1;
        try {
          await log.hold;
          const events = eventsOf(request.topic).filter((event) => wanted(event, request));
          for (let at = 0; at < events.length; at += log.listSize) {
            if (log.fail && at >= log.fail.after) throw log.fail.error;
            yield events.slice(at, at + log.listSize);
          }
          if (log.fail && events.length <= log.fail.after) throw log.fail.error;
        } finally {
          open -= 1;
        }
      },
      async latest(topic, keys, filter) {
        const byKey = new Map<string, Stored>();
        for (const event of eventsOf(topic)) {
          byKey.delete(event.key);
          byKey.set(event.key, event);
        }
        const events = [...byKey.values()].filter((event) => chosen(event, keys, filter));
        const positions = Array.from({ length: partitionCount }, (_, partition) => ({
          topic,
          partition,
          epoch: EPOCH,
          offset: String(eventsOf(topic).filter(({ position }) => position.partition === partition).length),
        }));
        return { positions, events };
      },
    },
    async partitions(topic) {
      return Array.from({ length: partitionCount }, (_, partition) => {
        const events = eventsOf(topic).filter(({ position }) => position.partition === partition);
        const end = String(events.length);
        return { topic, partition, epoch: EPOCH, start: "0", end, bytes: 0, events: events.length };
      });
    },
    seed(topic, count, dataBytes) {
      const attributes = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/seed", "ce-type": "seed.v1" };
      const bytes = encodeEvent(fromHttpBinary(attributes, Buffer.alloc(dataBytes)));
      for (let index = 0; index < count; index += 1) {
        const key = `k${index}`;
        const position = { topic, partition: 0, epoch: EPOCH, offset: String(index + 1) };
        eventsOf(topic).push({ position, appendedAt: now, bytes, key, identity: key, json: "" });
      }
    },
    damage(topic) {
      const events = eventsOf(topic);
      events.push({ ...events.pop()!, bytes: Uint8Array.of(0xff, 0xff) });
    },
  };
  return log;
}

function wanted(event: Stored, { from, after = [], to, keys, filter }: HistoryRequest): boolean {
  const start = after.find(({ partition }) => partition === event.position.partition);
  if (start && start.epoch !== EPOCH) throw new DistributionError("position_gone", "The epoch is over.");
  const begun = start
    ? Number(event.position.offset) > Number(start.offset)
    : !("time" in from) || event.appendedAt >= from.time;
  return begun && (to === undefined || event.appendedAt < to) && chosen(event, keys, filter);
}

const chosen = (event: Stored, keys: readonly string[], filter: Filter | undefined): boolean =>
  (keys.length === 0 || keys.includes(event.key)) && (filter?.test(event.bytes) ?? true);
