/**
 * One partition's place of a group in this process. A Failover subscription says which process has the partition; that one reads it
 * from where the one before stopped. Who loses it finishes what its members have in hand before the next one begins.
 */
import type { EngineGroup, Progress } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import { partitionUrl, subscriptionOf } from "../names.ts";
import { parseOffset } from "../offset.ts";
import type { Settings } from "../options.ts";
import { pause } from "../pause.ts";
import type { PulsarPort } from "../port.ts";
import type { GroupPartition, ProgressStore } from "./progress.ts";

export interface SeatParts {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly store: ProgressStore;
  readonly group: EngineGroup;
  /** This process, among those of the group. */
  readonly owner: string;
  /** How long members keep what they have in hand when another process is given the partition, ms. */
  readonly handoverMs: number;
  /** Where the group begins with a partition that it never consumed. */
  begin(of: GroupPartition): Promise<Progress>;
  onFailure(failure: unknown): void;
}

export interface Seat {
  readonly of: GroupPartition;
  /** Resolves once it is known who has the partition, and, if it is this process, work has begun. */
  readonly begun: Promise<void>;
  put(progress: Progress): Promise<void>;
  /** The engine is done with the partition. */
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 200;
const RETRY_MS = 1000;
/** So much longer does the next process wait than the one before may take: that one may be told later. */
const MARGIN_MS = 5000;

export function createSeat(parts: SeatParts, of: GroupPartition): Seat {
  const { settings, port, store, group, owner } = parts;
  const { runtime } = settings;
  const names = [{ topic: of.topic, partition: of.partition }];
  let wanted = false;
  let holds = false;
  let closed = false;
  let releasing = false;
  let turn: Promise<void> = Promise.resolve();
  const { promise: begun, resolve: settle, reject: refuse } = Promise.withResolvers<void>();
  begun.catch(() => undefined);

  /** Waits for the process that has it until it has given it up, is gone, or its time is over. */
  const handedOver = async (): Promise<Progress | undefined> => {
    const until = runtime.clock.monotonicMs() + parts.handoverMs + MARGIN_MS;
    for (;;) {
      const kept = await store.get(of);
      const had = kept?.owner ?? "";
      const isFree = had === "" || had === owner || runtime.clock.monotonicMs() >= until;
      if (isFree || !wanted || closed || !(await store.isConnected(of, had))) return kept?.progress;
      await pause(runtime, LOOK_EVERY_MS);
    }
  };

  const take = async (): Promise<void> => {
    const progress = (await handedOver()) ?? (await parts.begin(of));
    if (!wanted || closed) return;
    await store.put(of, progress, owner);
    if (!wanted && !closed) await store.put(of, progress, "");
    if (!wanted || closed) return;
    holds = true;
    group.add({ ...names[0]!, progress });
  };

  const giveUp = async (): Promise<void> => {
    const kept = await store.get(of);
    const lost = kept?.owner !== owner;
    // The group lets go of it at once, whether its progress can be stored or not.
    holds = false;
    await group.remove(names, { waitMs: lost ? 0 : parts.handoverMs, lost });
    const last = lost ? undefined : (await store.get(of))?.progress;
    if (last !== undefined) await store.put(of, last, "");
  };

  /** Brings about what is wanted by now; tried again until it is. */
  const follow = async (): Promise<void> => {
    while (!closed && wanted !== holds) {
      try {
        await (wanted ? take() : giveUp());
      } catch (failure) {
        if (closed) return;
        refuse(failure);
        parts.onFailure(failure);
        if (failure instanceof DistributionError && failure.code === "unknown_topic") return;
        await pause(runtime, RETRY_MS);
      }
    }
    settle();
  };

  const want = (active: boolean): void => {
    wanted = active;
    turn = turn.then(follow);
  };

  let tellings = 0;
  const hear = (active: boolean): void => {
    tellings += 1;
    want(active);
  };

  /**
   * Pulsar tells who is active a second after it chose (`activeConsumerFailoverDelayTimeMillis`), and not who was chosen for less
   * than that: it is asked, until it has told this process that it is, or says that another one is.
   */
  const ask = async (): Promise<void> => {
    const before = tellings;
    while (!closed && tellings === before) {
      try {
        const active = await store.activeOwner(of);
        if (closed || tellings !== before) return;
        if (active !== undefined) want(active === owner);
        if (active !== undefined && active !== owner) return;
      } catch (failure) {
        refuse(failure);
        parts.onFailure(failure);
      }
      await pause(runtime, RETRY_MS);
    }
  };

  const seat = port.seat({
    topic: partitionUrl(settings, of.topic, of.partition),
    subscription: subscriptionOf(of.group),
    name: owner,
    from: "earliest",
    onActive: hear,
    onReattached: () => void ask(),
  });

  seat.then(ask, refuse);

  /** Lets Pulsar's retention have what lies before the floor. The floor's own entry may have events above it. */
  const release = async ({ floor }: Progress): Promise<void> => {
    const { ledger, entry } = parseOffset(floor, "floor");
    if (releasing || entry === 0n) return;
    releasing = true;
    try {
      await (await seat).release({ ledger, entry: entry - 1n });
    } catch {
      // It goes along with the next one: nothing but storage depends on it.
    } finally {
      releasing = false;
    }
  };

  return {
    of,
    begun,
    async put(progress) {
      const held = await seat;
      // Without a connection another process may have been given it, and gone on from what is stored.
      if (!held.attached && (await store.get(of))?.owner !== owner) {
        const where = `${of.topic}/${of.partition} of the group ${of.group}`;
        throw new DistributionError("unavailable", `${where} is with another process: its events come again, there.`);
      }
      await store.put(of, progress, owner);
      void release(progress);
    },
    async close() {
      closed = true;
      settle();
      await seat.then((held) => held.close()).catch(() => undefined);
      await turn;
    },
  };
}

/** So that nobody needs to know how seats are told apart. */
export const seatName = ({ topic, partition }: Pick<GroupPartition, "topic" | "partition">): string =>
  `${topic}/${partition}`;
