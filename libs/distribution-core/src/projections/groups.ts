/**
 * Which projections read together. Those of one group read each partition once, and of all their partitions the event appended
 * first comes first. One that has to be built anew goes out of its group and reads on its own, so that nobody waits for it, and
 * comes back when both are at the head.
 */
import { fieldError } from "../errors.ts";
import type { PartitionTail, Tail } from "../tail/index.ts";
import { createLane, type Fed, type Lane, type LaneOptions } from "./lane.ts";

export interface Groups {
  /** Takes what is there, a turn for each group. False: there is more. */
  take(pace: { begin(): void; spent(): boolean }): boolean;
  /** The same, of those groups alone that answers can be read of. */
  refresh(pace: { begin(): void; spent(): boolean }): boolean;
  /** Every partition was read as far as it can be for now. */
  readonly areThere: boolean;
  readonly lanes: readonly Lane[];
  /** The partition was added to a topic: who reads the topic reads it too, from its beginning. */
  add(tail: PartitionTail): void;
  close(): Promise<void>;
}

export interface GroupsOptions extends Omit<LaneOptions, "tail" | "readers" | "onLost"> {
  readonly tail: Tail;
  readonly feds: readonly Fed[];
}

interface Group {
  readonly feds: Set<Fed>;
  lanes: Lane[];
}

/** Throws `invalid_request` for a topic that the service does not have. */
export function createGroups(options: GroupsOptions): Groups {
  /** Others come back to the first one. None is empty, but the only one. */
  let groups: Group[] = [];
  let closing: Promise<unknown> = Promise.resolve();

  const end = (lane: Lane): void => {
    closing = Promise.all([closing, lane.cursor.close()]);
  };
  const open = (feds: readonly Fed[]): Group => {
    const group: Group = { feds: new Set(feds), lanes: createLanes(options, feds, split) };
    for (const fed of feds) fed.lanes = lanesOf(group, fed);
    return group;
  };
  /** They read a lane together: they are of one group. */
  const split = (lost: readonly Fed[]): void => {
    const group = groups.find(({ feds }) => feds.has(lost[0]!))!;
    for (const fed of lost) {
      group.feds.delete(fed);
      group.lanes = group.lanes.filter((lane) => {
        const empty = fed.lanes.includes(lane) && lane.leave(fed);
        if (empty) end(lane);
        return !empty;
      });
      fed.intake.reset();
      fed.rebuilding = true;
      fed.taken += 1;
    }
    groups = [...groups.filter(({ feds }) => feds.size > 0), open(lost)];
    options.onChange();
  };
  const join = (group: Group, first: Group): void => {
    for (const lane of group.lanes) {
      const twin = twinOf(lane, first);
      if (!twin) {
        first.lanes.push(lane);
        continue;
      }
      for (const fed of group.feds) if (fed.lanes.includes(lane)) twin.join(fed);
      end(lane);
    }
    for (const fed of group.feds) {
      first.feds.add(fed);
      fed.lanes = lanesOf(first, fed);
    }
  };
  /** What has come to the head together with the first group reads with it from now on. */
  const joinAll = (): void => {
    const [first, ...others] = groups;
    const ready = others.filter((group) => canJoin(group, first!));
    for (const group of ready) join(group, first!);
    groups = groups.filter((group) => !ready.includes(group));
  };
  const take = (some: readonly Group[], pace: { begin(): void; spent(): boolean }): boolean => {
    let done = true;
    for (const group of some) {
      pace.begin();
      done = takeOf(group.lanes, pace.spent) && done;
      for (const fed of group.feds) fed.rebuilding &&= !fed.lanes.every(isThere);
    }
    return done;
  };

  const add = (tail: PartitionTail): void => {
    for (const group of groups) {
      const readers = [...group.feds].filter(({ intake }) => intake.topics.includes(tail.topic.name));
      if (readers.length === 0) continue;
      group.lanes.push(createLane({ ...options, tail, readers, onLost: split }));
      for (const fed of readers) fed.lanes = lanesOf(group, fed);
    }
    options.onChange();
  };

  groups = [open(options.feds)];
  return {
    take(pace) {
      const done = take(groups, pace);
      joinAll();
      return done;
    },
    refresh: (pace) =>
      take(
        groups.filter(({ feds }) => [...feds].some(({ rebuilding }) => !rebuilding)),
        pace,
      ),
    get areThere() {
      return groups.every(({ lanes }) => lanes.every(isThere));
    },
    get lanes() {
      return groups.flatMap(({ lanes }) => lanes);
    },
    add,
    async close() {
      for (const { lanes } of groups) for (const lane of lanes) end(lane);
      await closing;
    },
  };
}

/** One a partition of the topics that are read. */
function createLanes(options: GroupsOptions, feds: readonly Fed[], onLost: LaneOptions["onLost"]): Lane[] {
  const topics = new Set(feds.flatMap(({ intake }) => intake.topics));
  return [...topics].flatMap((topic) => {
    const readers = feds.filter(({ intake }) => intake.topics.includes(topic));
    const tails = options.tail.partitions(topic);
    if (tails.length === 0) {
      const path = `projection ${readers[0]!.intake.name}: sources`;
      throw fieldError(
        "invalid_request",
        path,
        `${topic} is no topic of this service; give it with the service's topics`,
      );
    }
    return tails.map((tail) => createLane({ ...options, tail, readers, onLost }));
  });
}

const lanesOf = ({ lanes }: Group, { intake }: Fed): readonly Lane[] =>
  lanes.filter(({ topic }) => intake.topics.includes(topic));

/** What it has now cannot be read, and trying again does not help. */
export const isDamaged = ({ cursor }: Lane): boolean => cursor.trouble?.passing === false;

/** As far as it can come for now. */
const isThere = (lane: Lane): boolean => lane.cursor.caughtUp || isDamaged(lane);

const twinOf = (lane: Lane, { lanes }: Group): Lane | undefined => lanes.find(({ name }) => name === lane.name);

const canJoin = ({ lanes }: Group, first: Group): boolean =>
  lanes.every((lane) => lane.cursor.atHead && (twinOf(lane, first)?.cursor.atHead ?? true));

function takeOf(lanes: readonly Lane[], spent: () => boolean): boolean {
  for (let lane = oldestOf(lanes); lane; lane = oldestOf(lanes)) if (!lane.take(spent)) return false;
  return true;
}

/** Of the lanes with something to take the one whose events were appended first; none while one that catches up is read. */
function oldestOf(lanes: readonly Lane[]): Lane | undefined {
  let oldest: Lane | undefined;
  let appendedAt = 0n;
  let waits = false;
  for (const lane of lanes) {
    const next = lane.cursor.next();
    if (!next) waits ||= lane.cursor.busy && !isThere(lane);
    else if (!oldest || next.stored.appendedAt < appendedAt) {
      oldest = lane;
      ({ appendedAt } = next.stored);
    }
  }
  return waits ? undefined : oldest;
}
