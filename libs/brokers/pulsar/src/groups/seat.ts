/**
 * One partition's place of a group in this process. A Failover subscription says which process has the partition; that one reads it
 * from where the one before stopped. Who loses it finishes what its members have in hand before the next one begins.
 */
import { DistributionError } from "@distribution/core/errors";
import { pause } from "@distribution/core/runtime";
import { subscriptionOf } from "../names.ts";
import { formatOffset, parseOffset } from "../offset.ts";
import type { Settings } from "../options.ts";
import type { PortSeat, PulsarPort } from "../port.ts";
import type { GroupPartition, ProgressStore } from "./progress.ts";

/** Who works on the partition while this process has it. */
export interface SeatWork<P> {
  /** Where the group begins with a partition that it never consumed. */
  begin(): Promise<P>;
  /** It is this process's, from there on. */
  add(progress: P): void;
  /** Resolves when it was let go of: after that time at the latest, at once when another process has it already. */
  remove(how: { readonly waitMs: number; readonly lost: boolean }): Promise<void>;
  /** Everything up to and including it is settled; undefined: nothing is. */
  floorOf(progress: P): string | undefined;
}

export interface SeatParts<P> {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly store: ProgressStore<P>;
  /** Address of the partition's topic. */
  readonly url: string;
  readonly work: SeatWork<P>;
  /** This process, among those of the group. */
  readonly owner: string;
  /** How long members keep what they have in hand when another process is given the partition, ms. */
  readonly handoverMs: number;
  onFailure(failure: unknown): void;
}

export interface Seat<P> {
  readonly of: GroupPartition;
  /** Resolves once it is known who has the partition, and, if it is this process, work has begun. */
  readonly begun: Promise<void>;
  put(progress: P): Promise<void>;
  /** The engine is done with the partition. */
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 200;
const RETRY_MS = 1000;
/** So much longer does the next process wait than the one before may take: that one may be told later. */
const MARGIN_MS = 5000;
/** So long after this process was last seen to have the partition no other one can have taken it. */
const SURE_MS = 5000;

export function createSeat<P>(parts: SeatParts<P>, of: GroupPartition): Seat<P> {
  const { settings, port, store, work, owner } = parts;
  const { runtime } = settings;
  let wanted = false;
  let holds = false;
  /** The connection was lost while it was held: another process may have had it meanwhile. */
  let doubtful = false;
  /** When this process was last seen to have it, monotonic ms. */
  let sureAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  let releasing = false;
  let reattached = 0;
  /** Up to where it is settled, and the same while it is not released. */
  let settled: string | undefined;
  let floor: string | undefined;
  let turn: Promise<void> = Promise.resolve();
  const { promise: begun, resolve: settle, reject: refuse } = Promise.withResolvers<void>();
  begun.catch(() => undefined);

  /** Waits for the process that has it until it has given it up, is gone, or its time is over. */
  const handedOver = async (): Promise<P | undefined> => {
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
    const progress = (await handedOver()) ?? (await work.begin());
    if (!wanted || closed) return;
    await store.put(of, progress, owner);
    if (!wanted && !closed) await store.put(of, progress, "");
    if (!wanted || closed) return;
    holds = true;
    work.add(progress);
  };

  const isOwner = async (): Promise<boolean> => {
    const askedAt = runtime.clock.monotonicMs();
    const is = (await store.get(of))?.owner === owner;
    if (is) sureAt = askedAt;
    return is;
  };

  /** Without a connection, or after this process stood still, another one may have it, and have gone on from what is stored. */
  const assertOwner = async (): Promise<void> => {
    const { attached } = await seat;
    const isSure = attached && runtime.clock.monotonicMs() - sureAt < SURE_MS;
    if (isSure || (await isOwner())) return;
    doubt();
    const where = `${of.topic}/${of.partition} of the group ${of.group}`;
    throw new DistributionError("unavailable", `${where} is with another process: its events come again, there.`);
  };

  const giveUp = async (): Promise<void> => {
    const lost = !(await isOwner());
    // It is let go of at once, whether its progress can be stored or not.
    holds = false;
    await work.remove({ waitMs: lost ? 0 : parts.handoverMs, lost });
    if (lost) return;
    const last = await store.get(of);
    if (last?.owner === owner) await store.put(of, last.progress, "");
  };

  const makeSure = async (): Promise<void> => {
    if (holds && !(await isOwner())) await giveUp();
    doubtful = false;
  };

  /** Brings about what is wanted by now; tried again until it is. */
  const follow = async (): Promise<void> => {
    while (!closed && (doubtful || wanted !== holds)) {
      try {
        if (doubtful) await makeSure();
        else await (wanted ? take() : giveUp());
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

  const doubt = (): void => {
    doubtful = true;
    want(wanted);
  };

  /** Until there is one: a partition that was added is told of before it is there. */
  const attach = async (): Promise<PortSeat> => {
    for (;;) {
      try {
        return await port.seat({
          ...{ topic: parts.url, subscription: subscriptionOf(of.group), name: owner, from: "earliest" },
          onActive: hear,
          onReattached() {
            reattached += 1;
            doubt();
            void ask();
            // A topic that is being moved may confirm what it forgets.
            floor = settled;
            void release();
          },
        });
      } catch (failure) {
        refuse(failure);
        if (closed) throw failure;
        parts.onFailure(failure);
        await pause(runtime, RETRY_MS);
        if (closed) throw failure;
      }
    }
  };
  const seat = attach();

  seat.then(ask, refuse);

  /** Lets Pulsar's retention have what lies before the newest floor. The floor's own entry may have events above it. */
  const release = async (): Promise<void> => {
    if (releasing) return;
    releasing = true;
    while (!closed && floor !== undefined) {
      const { ledger, entry } = parseOffset(floor, "floor");
      floor = undefined;
      if (ledger === 0n && entry === 0n) continue;
      const before = reattached;
      try {
        // An entry of -1 is before a ledger's first: the ledgers before go.
        await (await seat).release({ ledger, entry: entry - 1n });
      } catch {
        // It goes along with the next one, or when the connection is there again: nothing but storage depends on it.
        floor ??= formatOffset({ ledger, entry, index: 0 });
        if (reattached === before) break;
      }
    }
    releasing = false;
  };

  return {
    of,
    begun,
    async put(progress) {
      await assertOwner();
      const askedAt = runtime.clock.monotonicMs();
      await store.put(of, progress, owner, assertOwner);
      sureAt = askedAt;
      settled = work.floorOf(progress) ?? settled;
      floor = settled;
      void release();
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
