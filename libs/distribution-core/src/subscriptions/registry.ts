/** Who wants what: the interest classes, one matcher a topic, and the way from new events to the classes that want them. */

import { createEnvelope } from "../events/index.ts";
import type { Hops, Metrics } from "../observability/index.ts";
import type { Scheduler } from "../qos/contract.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import { createSelection, type PartitionTail, type Place, type RingBatch, type Tail } from "../tail/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { MatchBuffer, Matcher, TopicSchema } from "./contract.ts";
import type { EventsEncoder } from "./encoder.ts";
import { EventList } from "./event-list.ts";
import { type Interest, identityOf } from "./interest.ts";
import { type ClassParts, InterestClass } from "./interest-class.ts";
import type { Lane } from "./lane.ts";
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
  /** Where the turns of large flushes come from, and of news that concern many. */
  readonly scheduler: Scheduler;
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
  /** By the matcher's id: matches in vain since the class has no members. At the limit the class is out of the matcher. */
  readonly vain: number[];
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

/** Matches that wait for their classes' flush, over all classes: about 10 ms of collecting, and a few MB. */
const MAX_PENDING = 65_536;

/**
 * A class without members is matched in vain so often, then not at all until it has one: who is behind for long costs nothing,
 * and who comes and goes does not pay for leaving the matcher (some 10 microseconds, hundreds of matches) each time.
 */
const MAX_VAIN = 256;

/** Classes told of a tail's trouble in one step. */
const TOLD_A_STEP = 200;

export function createRegistry(options: RegistryOptions): Registry {
  const { tail, createMatcher, token, scheduler, runtime, metrics, hops, advanceEveryMs = 10_000 } = options;
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
  let pending = 0;
  /** Lists that no lane has now: only those touched in this turn need one. */
  const lists: EventList[] = [];
  let channels = 0;
  const parts: ClassParts = {
    ...{ encoder, scheduler, token, monotonicMs: runtime.clock.monotonicMs },
    createSelection: ({ keys }, { topic, filter }) => createSelection(createMatcher, topic, keys, filter),
    onWanted: (shared) => wake(byClass.get(shared)!),
  };

  const indexOf = (topic: TopicDefinition): TopicIndex => {
    let index = topics.get(topic.name);
    if (!index) {
      index = {
        topic,
        matcher: createMatcher(topic),
        lanes: [],
        classes: [],
        free: [],
        vain: [],
        conflating: new Set(),
      };
      topics.set(topic.name, index);
    }
    return index;
  };

  const flushTouched = (partly: boolean): void => {
    for (let at = 0; at < touched.length; at += 1) {
      const lane = touched[at]!;
      const list = lane.pending;
      // Lost meanwhile, as after a failure.
      if (!list) continue;
      touchedClasses[at]!.flush(lane, list, partly);
      lane.pending = undefined;
      list.clear();
      lists.push(list);
    }
    touched.length = 0;
    touchedClasses.length = 0;
    pending = 0;
  };

  const match = (index: TopicIndex, partition: number, { first, stored }: RingBatch): void => {
    const { bytes, bounds, count } = stored.batch;
    for (let at = 0; at < count; at += 1) {
      found.count = 0;
      index.matcher.match(bytes, bounds[2 * at]!, bounds[2 * at + 1]!, found);
      for (let hit = 0; hit < found.count; hit += 1) {
        const id = found.ids[hit]!;
        const shared = index.classes[id]!;
        if (shared.members === 0) {
          index.vain[id]! += 1;
          if (index.vain[id] === MAX_VAIN) index.matcher.remove(id);
          continue;
        }
        const lane = index.lanes[id]![partition]!;
        if (!lane.pending) {
          lane.pending = lists.pop() ?? new EventList();
          touched.push(lane);
          touchedClasses.push(shared);
        }
        lane.pending.add(stored, at, first + at);
        pending += 1;
      }
      if (pending >= MAX_PENDING) flushTouched(true);
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
      flushTouched(false);
    }
    for (const { throttle } of index.conflating) throttle?.request();
  };

  const createEntry = (interest: Interest, identity: string): ClassEntry => {
    // Those that were added come last, as in a class that was there before: classes of the same topics have the same lanes.
    const first = interest.topics.flatMap(({ topic }) => tail.partitions(topic.name).slice(0, topic.partitions));
    const added = tail.all.filter(({ topic, partition }) => partition >= topic.partitions && covers(interest, topic));
    const tails = [...first, ...added];
    channels += 1;
    const shared = new InterestClass(channels, interest, tails, parts);
    const throttle =
      interest.mode === "latest" ? createThrottle(runtime, interest.maxRate, () => shared.flushChanges()) : undefined;
    return { identity, shared, references: 0, ids: new Map(), throttle };
  };

  /** The class gets a member: it is matched again. */
  const wake = ({ ids, shared: { interest } }: ClassEntry): void => {
    for (const [index, id] of ids) {
      const filter = interest.topics.find(({ topic }) => topic === index.topic)?.filter;
      if (index.vain[id]! >= MAX_VAIN) index.matcher.add(id, filter, interest.keys);
      index.vain[id] = 0;
    }
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
      index.lanes[id] =
        shared.interest.topics.length === 1
          ? shared.lanes
          : shared.lanes.filter((lane) => lane.tail.topic.name === topic.name);
      index.classes[id] = shared;
      index.vain[id] = 0;
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
      if (index.vain[id]! < MAX_VAIN) index.matcher.remove(id);
      index.lanes[id] = [];
      index.free.push(id);
    }
  };

  /** At once, before the first event of it comes. */
  const addPartition = (partitionTail: PartitionTail): void => {
    const { topic } = partitionTail;
    const index = topics.get(topic.name);
    for (const { shared, ids } of entries.values()) {
      if (!covers(shared.interest, topic)) continue;
      const lane = shared.add(partitionTail);
      const id = index && ids.get(index);
      // Of a single topic they are the class's own.
      if (id !== undefined && index!.lanes[id] !== shared.lanes) index!.lanes[id] = [...index!.lanes[id]!, lane];
    }
  };

  /** There may be 100,000 of them. */
  const tellTrouble = (partitionTail: PartitionTail): void => {
    const all = entries.values();
    const step = (): boolean => {
      for (let told = 0; told < TOLD_A_STEP; told += 1) {
        const { value, done } = all.next();
        if (done) return false;
        value.shared.troubled(partitionTail);
      }
      return true;
    };
    scheduler.add({ step });
  };

  tail.listen({
    name: "subscriptions",
    events: onEvents,
    lost(partitionTail, _from, to) {
      for (const { shared } of entries.values()) {
        for (const lane of shared.lanes) if (lane.tail === partitionTail) shared.skip(lane, to);
      }
    },
    troubled: (partitionTail) => tellTrouble(partitionTail),
    added: addPartition,
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

const covers = ({ topics }: Interest, wanted: TopicDefinition): boolean => topics.some(({ topic }) => topic === wanted);
