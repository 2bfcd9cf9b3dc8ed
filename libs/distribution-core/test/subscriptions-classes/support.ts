/** A registry of interest classes over a tail in simulated time, and members that keep what they get. */
import { createHops, createMetrics } from "../../src/observability/index.ts";
import { createScheduler } from "../../src/qos/index.ts";
import type { Matcher } from "../../src/subscriptions/contract.ts";
import { parseFilter } from "../../src/subscriptions/filter/index.ts";
import type { Interest } from "../../src/subscriptions/interest.ts";
import type { ClassMember, FrameSink } from "../../src/subscriptions/interest-class.ts";
import type { Lane } from "../../src/subscriptions/lane.ts";
import { createMatcher } from "../../src/subscriptions/matcher/index.ts";
import { createRegistry } from "../../src/subscriptions/registry.ts";
import { openTail, type Place } from "../../src/tail/index.ts";
import type { TopicDefinition } from "../../src/topics.ts";
import type { EncodedFrame } from "../../src/transport/contract.ts";
import { createEventsEncoder } from "../../src/transport/events-encoder.ts";
import { createRecorder, openSimulated, put, TABLE, topic } from "../tail/support.ts";

export const QUOTES = topic("test.quotes", { partitions: 2, table: TABLE });
export const TRADES = topic("test.trades");

export function interest(
  more: Partial<Interest> & { readonly filter?: string; readonly of?: readonly TopicDefinition[] } = {},
): Interest {
  const { filter, of = [QUOTES], ...rest } = more;
  return {
    topics: of.map((each) => ({ topic: each, filter: filter === undefined ? undefined : parseFilter(filter, each) })),
    keys: [],
    projection: [],
    payload: "json",
    frames: "json",
    mode: "every",
    maxRate: 0,
    tokens: "every-second",
    copy: 0,
    ...rest,
  };
}

export interface EventsSeen {
  readonly channel: number;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly after: string;
  readonly upto: string;
  readonly offsets: readonly string[];
  readonly events: readonly { readonly id: string }[];
  readonly token?: string;
}

interface RecordingSink extends FrameSink {
  take(frame: EncodedFrame): void;
}

export class RecordingMember implements ClassMember {
  memberIndex = -1;
  limited = false;
  room = Number.POSITIVE_INFINITY;
  readonly frames: EncodedFrame[] = [];
  readonly losses: { lane: Lane; from: Place; to: Place }[] = [];
  troubles = 0;
  /** What to do when there is no room. */
  onRefused = (): void => {};
  onDelivered = (): void => {};

  admit(events: number): boolean {
    if (events <= this.room) return true;
    this.onRefused();
    return false;
  }

  readonly sink: RecordingSink = {
    broadcast: (sinks: readonly RecordingSink[], frame) => {
      for (const sink of [...sinks]) sink.take(frame);
    },
    take: (frame) => {
      this.frames.push(frame);
      this.onDelivered();
    },
  };

  sent(): void {}

  lost(lane: Lane, from: Place, to: Place): void {
    this.losses.push({ lane, from, to });
  }

  troubled(): void {
    this.troubles += 1;
  }

  get seen(): readonly EventsSeen[] {
    return this.frames.map(({ payload }) => JSON.parse(payload.toString()).events);
  }

  get ids(): readonly string[] {
    return this.seen.flatMap(({ events }) => events.map(({ id }) => id));
  }
}

export async function openRegistry() {
  const { runtime, broker } = openSimulated();
  const topics = [QUOTES, TRADES];
  for (const each of topics) await broker.admin.ensureTopic(each);
  const metrics = createMetrics();
  const opening = openTail({ broker, topics, runtime, metrics, logger: createRecorder() });
  await runtime.run(10);
  const tail = await opening;
  const encoder = createEventsEncoder(topics);
  let encodings = 0;
  const scheduler = createScheduler(runtime);
  const matchers: Matcher[] = [];
  const registry = createRegistry({
    ...{ tail, runtime, metrics, hops: createHops(metrics, runtime.clock), scheduler },
    createMatcher(schema) {
      const matcher = createMatcher(schema);
      matchers.push(matcher);
      return matcher;
    },
    encoder: {
      ...encoder,
      events(...frame) {
        encodings += 1;
        return encoder.events(...frame);
      },
    },
    token: (tails, places) => tails.map((each, at) => `${each.partition}.${places[at]!.offset}`).join("_"),
  });
  return {
    runtime,
    broker,
    tail,
    metrics,
    registry,
    scheduler,
    get encodings() {
      return encodings;
    },
    /** Filters that events are held against. */
    get matched() {
      return matchers.reduce((sum, { size }) => sum + size, 0);
    },
    async put(name: string, names: readonly string[], partition = 0): Promise<void> {
      const done = put(broker, name, names, partition);
      await runtime.run(5);
      await done;
    },
    /** A member of the interest's class, live. */
    join(wanted: Interest) {
      const shared = registry.acquire(wanted);
      const member = new RecordingMember();
      shared.join(member);
      return { shared, member };
    },
  };
}
