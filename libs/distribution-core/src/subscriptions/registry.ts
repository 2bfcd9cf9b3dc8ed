/** Who wants what: the interest classes, one matcher a topic, and the way from new events to the classes that want them. */

import { createEnvelope } from "../events/index.ts";
import type { Hops, Metrics } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import {
  createSelection,
  type PartitionTail,
  type Place,
  type RingBatch,
  type Selection,
  type Tail,
} from "../tail/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { MatchBuffer, Matcher, TopicSchema } from "./contract.ts";
import type { EventsEncoder } from "./encoder.ts";
import { type Interest, identityOf } from "./interest.ts";
import { createInterestClass, type InterestClass, type Lane } from "./interest-class.ts";
import { createThrottle } from "./throttle.ts";

export interface Registry {
  /** The class of this interest, new or shared. Each call is undone by one `release`. */
  acquire(interest: Interest): InterestClass;
  release(shared: InterestClass): void;
  readonly classes: number;
  close(): void;
}

export interface RegistryOptions {
  readonly tail: Tail;
  readonly encoder: EventsEncoder;
  readonly createMatcher: (schema: TopicSchema) => Matcher;
  readonly token: (tails: readonly PartitionTail[], places: readonly Place[]) => string;
  readonly runtime: Runtime;
  readonly metrics: Metrics;
  readonly hops: Hops;
  /** Milliseconds after which a chain that did not move is brought to the head. */
  readonly advanceEveryMs?: number;
}

/** One topic's classes. A class has a small number of its own in each topic: the matcher's ids. */
interface TopicIndex {
  readonly topic: TopicDefinition;
  readonly matcher: Matcher;
  /** By the matcher's id: the class's lanes of this topic, by partition. */
  readonly lanes: (readonly Lane[])[];
  readonly classes: InterestClass[];
  readonly free: number[];
  /** Mode latest: told of every batch, matched when they flush. */
  readonly conflating: Set<ClassEntry>;
}

interface ClassEntry {
  readonly identity: string;
  readonly shared: InterestClass;
  references: number;
  /** The class's id in each of its topics. */
  readonly ids: Map<TopicIndex, number>;
  /** Mode latest: flushes, no more often than the interest's rate. */
  readonly throttle: ReturnType<typeof createThrottle> | undefined;
}

/**
 * Each signs a token, makes a frame and writes it: so many are about a millisecond. With the pause between them 100,000 idle
 * classes take some percent of a core and 40 s a round.
 */
const ADVANCED_A_TURN = 50;
const ADVANCE_PAUSE_MS = 20;

export function createRegistry(options: RegistryOptions): Registry {
  const { tail, createMatcher, token, runtime, metrics, hops, advanceEveryMs = 10_000 } = options;
  const envelope = createEnvelope();
  const encoder: EventsEncoder = {
    ...options.encoder,
    events(interest, header, list) {
      hops.matched();
      return options.encoder.events(interest, header, list);
    },
  };
  const topics = new Map<string, TopicIndex>();
  const entries = new Map<string, ClassEntry>();
  const byClass = new Map<InterestClass, ClassEntry>();
  const found: MatchBuffer = { ids: new Uint32Array(1024), count: 0 };
  const touched: Lane[] = [];
  const touchedClasses: InterestClass[] = [];
  let channels = 0;

  const indexOf = (topic: TopicDefinition): TopicIndex => {
    let index = topics.get(topic.name);
    if (!index) {
      index = { topic, matcher: createMatcher(topic), lanes: [], classes: [], free: [], conflating: new Set() };
      topics.set(topic.name, index);
    }
    return index;
  };

  const match = (index: TopicIndex, partition: number, { first, stored }: RingBatch): void => {
    const { bytes, bounds, count } = stored.batch;
    for (let at = 0; at < count; at += 1) {
      found.count = 0;
      index.matcher.match(bytes, bounds[2 * at]!, bounds[2 * at + 1]!, found);
      for (let hit = 0; hit < found.count; hit += 1) {
        const id = found.ids[hit]!;
        const lane = index.lanes[id]![partition]!;
        if (lane.pending.count === 0) {
          touched.push(lane);
          touchedClasses.push(index.classes[id]!);
        }
        lane.pending.add(stored, at, first + at);
      }
    }
  };

  const onEvents = (partitionTail: PartitionTail, batches: readonly RingBatch[]): void => {
    const { batch, appendedAt } = batches[0]!.stored;
    envelope.read(batch.bytes, batch.bounds[0]!, batch.bounds[1]!);
    hops.appended(envelope.ingested, appendedAt);
    const index = topics.get(partitionTail.topic.name);
    if (!index) return;
    if (index.matcher.size > 0) {
      for (const batch of batches) match(index, partitionTail.partition, batch);
      for (let at = 0; at < touched.length; at += 1) touchedClasses[at]!.flush(touched[at]!);
      touched.length = 0;
      touchedClasses.length = 0;
    }
    for (const { throttle } of index.conflating) throttle?.request();
  };

  const createEntry = (interest: Interest, identity: string): ClassEntry => {
    const tails = interest.topics.flatMap(({ topic }) => tail.partitions(topic.name));
    // Made when first needed: a class whose members are always live never needs one.
    const selectors = new Map<string, Selection>();
    const selectorOf = (topic: TopicDefinition): Selection => {
      let selector = selectors.get(topic.name);
      if (!selector) {
        const filter = interest.topics.find((each) => each.topic === topic)?.filter;
        selector = createSelection(createMatcher, topic, interest.keys, filter);
        selectors.set(topic.name, selector);
      }
      return selector;
    };
    channels += 1;
    const shared = createInterestClass({
      channel: channels,
      interest,
      tails,
      encoder,
      token,
      monotonicMs: runtime.clock.monotonicMs,
      selects: (lane, stored, index) => selectorOf(lane.tail.topic)(stored, index),
    });
    const flushAll = (): void => {
      for (const lane of shared.lanes) shared.flush(lane);
    };
    const throttle = interest.mode === "latest" ? createThrottle(runtime, interest.maxRate, flushAll) : undefined;
    return { identity, shared, references: 0, ids: new Map(), throttle };
  };

  const enter = (entry: ClassEntry): void => {
    const { shared } = entry;
    for (const { topic, filter } of shared.interest.topics) {
      const index = indexOf(topic);
      if (entry.throttle) {
        index.conflating.add(entry);
        continue;
      }
      const id = index.free.pop() ?? index.lanes.length;
      index.lanes[id] = shared.lanes.filter((lane) => lane.tail.topic.name === topic.name);
      index.classes[id] = shared;
      index.matcher.add(id, filter, shared.interest.keys);
      entry.ids.set(index, id);
      if (found.ids.length < index.lanes.length) found.ids = new Uint32Array(index.lanes.length * 2);
    }
  };

  const removeEntry = (entry: ClassEntry): void => {
    entries.delete(entry.identity);
    byClass.delete(entry.shared);
    entry.throttle?.cancel();
    for (const index of topics.values()) index.conflating.delete(entry);
    for (const [index, id] of entry.ids) {
      index.matcher.remove(id);
      index.lanes[id] = [];
      index.free.push(id);
    }
  };

  tail.listen({
    events: onEvents,
    lost(partitionTail, _from, to) {
      for (const { shared } of entries.values()) {
        for (const lane of shared.lanes) if (lane.tail === partitionTail) shared.skip(lane, to);
      }
    },
  });
  let advance: Iterator<ClassEntry> | undefined;
  let pausing: Timer | undefined;
  const advanceSome = (): void => {
    for (let count = 0; count < ADVANCED_A_TURN; count += 1) {
      const next = advance?.next();
      if (!next || next.done) {
        advance = undefined;
        return;
      }
      next.value.shared.advance();
    }
    pausing = runtime.timers.after(ADVANCE_PAUSE_MS, advanceSome);
  };
  const advancing = runtime.timers.every(advanceEveryMs, () => {
    if (advance) return;
    advance = entries.values();
    advanceSome();
  });
  metrics.gauge("distribution_interest_classes", {}, () => entries.size);

  return {
    acquire(interest) {
      const identity = identityOf(interest);
      let entry = entries.get(identity);
      if (!entry) {
        entry = createEntry(interest, identity);
        entries.set(identity, entry);
        byClass.set(entry.shared, entry);
        enter(entry);
      }
      entry.references += 1;
      return entry.shared;
    },
    release(shared) {
      const entry = byClass.get(shared);
      if (!entry) return;
      entry.references -= 1;
      if (entry.references === 0) removeEntry(entry);
    },
    get classes() {
      return entries.size;
    },
    close() {
      advancing.cancel();
      pausing?.cancel();
      for (const { throttle } of entries.values()) throttle?.cancel();
    },
  };
}
