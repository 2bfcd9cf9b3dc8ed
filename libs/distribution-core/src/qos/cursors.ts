/**
 * Durable cursors: where named subscriptions are, as events on a compacted topic of the same broker, latest per name.
 * No other store is needed, and any replica of the service can take a subscription over.
 */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import type { Broker, Position } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import { encodeEvent, packMessages } from "../events/index.ts";
import type { Logger } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";
import { CURSOR_TYPE, restoreCursors } from "./cursors-restore.ts";

export interface Cursors {
  /** Undefined: the name was never used, or forgotten. */
  load(name: string): readonly Position[] | undefined;
  /** The name may have been used, and where it was cannot be read any more: it begins anew, and its client has to be told. */
  lost(name: string): boolean;
  /**
   * Written soon, the newest of a name at the least; `flush` waits for it. The first one of a name takes a place until it is
   * forgotten: throws `limit_exceeded` when the service or the name's identity has no place left.
   */
  save(name: string, positions: readonly Position[]): void;
  /**
   * The name is as if it was never used; written as `save` is. The log keeps a trace of it, in a place of the service's, which
   * using the name again takes back: throws `limit_exceeded` when the identity has as many of these as it may have names.
   */
  forget(name: string): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface CursorsOptions {
  readonly broker: Broker;
  readonly topic: TopicDefinition;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly service: string;
  /** Names kept; more are refused. */
  readonly maxNames?: number;
  /** Names of one identity, which is what stands before a name's first "/"; more are refused. */
  readonly maxNamesPerIdentity?: number;
  readonly saveEveryMs?: number;
}

export function cursorsTopic(service: string): TopicDefinition {
  return {
    name: `${service}.cursors`,
    description: "Where the durable subscriptions of this service are: the latest position of every name.",
    partitions: 1,
    retention: {},
    compaction: true,
    eventTypes: [],
    ringBytes: 64 * 1024,
  };
}

/** Bytes of one write, unless the broker takes less; a larger event goes alone. */
const WRITE_BYTES = 1024 * 1024;
/** Tag and length of an event in a batch are this long at most. */
const FRAME_BYTES = 6;

export async function openCursors(options: CursorsOptions): Promise<Cursors> {
  const { broker, topic, runtime, logger, service, saveEveryMs = 1_000 } = options;
  const { maxNames = 100_000, maxNamesPerIdentity = 1_000 } = options;
  const { known, lost } = await restoreCursors(broker, topic.name, logger);
  const usedBy = new Map<string, number>();
  const forgottenBy = new Map<string, number>();
  for (const [name, positions] of known) count(positions ? usedBy : forgottenBy, name, 1);
  const dirty = new Set<string>();
  let writing: Promise<void> = Promise.resolve();
  let timer: Timer | undefined;

  /** A place for a new name. */
  const reserve = (name: string): void => {
    if (!known.has(name) && known.size >= maxNames) {
      throw new DistributionError(
        "limit_exceeded",
        `This service keeps ${maxNames} durable names, forgotten ones included, and has no room for a new one; reuse a name that you had before, or subscribe without a name.`,
      );
    }
    if ((usedBy.get(identityOf(name)) ?? 0) >= maxNamesPerIdentity) {
      throw new DistributionError(
        "limit_exceeded",
        `You have ${maxNamesPerIdentity} durable names, the most there may be; reuse or forget one of them, or subscribe without a name.`,
      );
    }
    count(usedBy, name, 1);
    if (known.has(name)) count(forgottenBy, name, -1);
  };

  /** Of a forgotten name without data. */
  const messageOf = (name: string, time: bigint, index: number): Uint8Array => {
    const positions = known.get(name);
    return encodeEvent(
      Event.create({
        id: `${time}-${index}`,
        source: `/${service}`,
        type: CURSOR_TYPE,
        time,
        key: name,
        class: EventClass.STATE,
        contentType: "application/json",
        ...(positions && { data: Buffer.from(JSON.stringify(positions)) }),
      }),
    );
  };

  /** Never rejects: what could not be written is dirty again, and only that. */
  const write = async (): Promise<void> => {
    const maxBytes = Math.min(broker.capabilities.maxBatchBytes, WRITE_BYTES);
    const time = runtime.clock.wallNs();
    let names: string[] = [];
    let messages: Uint8Array[] = [];
    let bytes = 0;
    let unsaved = 0;
    let reason: unknown;

    const failed = (failure: unknown, of: readonly string[]): void => {
      for (const name of of) dirty.add(name);
      unsaved += of.length;
      reason ??= failure;
    };
    const send = async (): Promise<void> => {
      try {
        await broker.append([{ topic: topic.name, partition: 0, batch: packMessages(messages) }]);
      } catch (failure) {
        failed(failure, names);
      }
      names = [];
      messages = [];
      bytes = 0;
    };

    for (const [index, name] of [...dirty].entries()) {
      // Before its positions are read: what is saved later, while a chunk is written, is for the next write.
      dirty.delete(name);
      let message: Uint8Array;
      try {
        message = messageOf(name, time, index);
      } catch (failure) {
        failed(failure, [name]);
        continue;
      }
      const size = message.length + FRAME_BYTES;
      if (names.length > 0 && bytes + size > maxBytes) await send();
      names.push(name);
      messages.push(message);
      bytes += size;
    }
    if (names.length > 0) await send();
    if (unsaved === 0) return;
    logger.warn({ err: reason, names: unsaved }, "Cursors were not saved; they are tried again.");
    schedule();
  };

  const flush = (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    writing = writing.then(write);
    return writing;
  };

  const schedule = (): void => {
    timer ??= runtime.timers.after(saveEveryMs, () => void flush());
  };

  return {
    load: (name) => known.get(name),
    lost,
    save(name, positions) {
      const before = known.get(name);
      if (!before) reserve(name);
      else if (samePositions(before, positions)) return;
      known.set(name, positions);
      dirty.add(name);
      schedule();
    },
    forget(name) {
      if (!known.get(name)) return;
      if ((forgottenBy.get(identityOf(name)) ?? 0) >= maxNamesPerIdentity) {
        throw new DistributionError(
          "limit_exceeded",
          `You have ${maxNamesPerIdentity} forgotten names, the most there may be; use one of those again, or keep this one.`,
        );
      }
      count(usedBy, name, -1);
      count(forgottenBy, name, 1);
      known.set(name, undefined);
      dirty.add(name);
      schedule();
    },
    flush,
    async close() {
      await flush();
      timer?.cancel();
    },
  };
}

const identityOf = (name: string): string => name.split("/", 1)[0]!;

function count(names: Map<string, number>, name: string, by: 1 | -1): void {
  const identity = identityOf(name);
  const next = (names.get(identity) ?? 0) + by;
  if (next > 0) names.set(identity, next);
  else names.delete(identity);
}

const samePositions = (a: readonly Position[], b: readonly Position[]): boolean =>
  a.length === b.length &&
  a.every(({ topic, partition, epoch, offset }, index) => {
    const other = b[index]!;
    return offset === other.offset && partition === other.partition && topic === other.topic && epoch === other.epoch;
  });
