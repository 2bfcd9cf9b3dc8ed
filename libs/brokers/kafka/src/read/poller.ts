/**
 * Fetches for readers: one question a leader for all partitions that wait for something, held by the leader until there is.
 * A question that is held cannot be added to, so there are several lanes, each a connection: what is quiet gathers in
 * those that are held, and what is busy finds one that is free. The last free lane is never held for long.
 */
import { TransitMap } from "@distribution/collections";
import { asUnavailable, type Cluster } from "../connection/cluster.ts";
import type { Connections } from "../connection/connections.ts";
import { CODE, nameOf, unavailable } from "../connection/failures.ts";
import { fetchRecords, type PartitionFetch, type PartitionFetched } from "./fetch.ts";

export interface Poller {
  /**
   * Resolves with records or an error code; waits at the head, unless `quietly`: then also with nothing, as soon as the leader
   * says that there is nothing. Rejects with `unavailable` when the leader is away.
   */
  fetch(leader: number, wanted: PartitionFetch, signal: AbortSignal, quietly: boolean): Promise<PartitionFetched>;
  close(): Promise<void>;
}

interface Asker {
  readonly signal: AbortSignal;
  resolve(fetched: PartitionFetched): void;
  reject(failure: unknown): void;
}

/** One question, for all readers that ask the same: at the head of a partition they do. */
interface Waiting {
  readonly key: string;
  readonly wanted: PartitionFetch;
  /** Nothing is an answer, too. */
  readonly quietly: boolean;
  readonly askers: Asker[];
}

const MAX_LANES = 4;
const MAX_PARTITIONS = 256;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** How long the last free lane is held, ms. */
const SHORT_WAIT_MS = 5;

export function createPoller(cluster: Cluster): Poller {
  const leaders = new Map<number, Leader>();
  return {
    fetch(node, wanted, signal, quietly) {
      let leader = leaders.get(node);
      if (leader === undefined) {
        leader = new Leader(cluster, node);
        leaders.set(node, leader);
      }
      return leader.fetch(wanted, signal, quietly);
    },
    async close() {
      const all = [...leaders.values()];
      leaders.clear();
      await Promise.all(all.map((leader) => leader.close()));
    },
  };
}

interface Lane {
  readonly connections: Connections;
  busy: boolean;
}

class Leader {
  readonly #cluster: Cluster;
  readonly #node: number;
  readonly #lanes: Lane[] = [];
  /** Lanes that are held for a short time only. */
  #short = 0;
  #waiting: Waiting[] = [];
  /** Those that wait and those that are asked, by what they want. */
  readonly #open = new TransitMap<string, Waiting>();

  constructor(cluster: Cluster, node: number) {
    this.#cluster = cluster;
    this.#node = node;
  }

  fetch(wanted: PartitionFetch, signal: AbortSignal, quietly: boolean): Promise<PartitionFetched> {
    const key = `${placeOf(wanted)} ${wanted.offset} ${wanted.lastEpoch} ${wanted.maxBytes} ${quietly}`;
    return new Promise((resolve, reject) => {
      const asker = { signal, resolve, reject };
      const same = this.#open.get(key);
      if (same !== undefined) {
        same.askers.push(asker);
        return;
      }
      const waiting = { key, wanted, quietly, askers: [asker] };
      this.#open.set(key, waiting);
      this.#waiting.push(waiting);
      this.#start();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({ connections }) => connections.close()));
  }

  #start(): void {
    let lane = this.#lanes.find(({ busy }) => !busy);
    if (lane === undefined && this.#lanes.length < MAX_LANES) {
      const { requestTimeoutMs, fetchWaitMs } = this.#cluster.settings;
      lane = { connections: this.#cluster.connections(requestTimeoutMs + fetchWaitMs), busy: false };
      this.#lanes.push(lane);
    }
    if (lane === undefined || lane.busy) return;
    lane.busy = true;
    void this.#run(lane);
  }

  async #run(lane: Lane): Promise<void> {
    const { runtime } = this.#cluster.settings;
    for (;;) {
      // Readers that were just answered ask again in this turn, and go with those that wait.
      await new Promise<void>((resolve) => runtime.timers.soon(resolve));
      const taken = this.#take();
      if (taken.length === 0) break;
      const short = this.#lanes.length === MAX_LANES && this.#lanes.every(({ busy }) => busy);
      if (short) this.#short += 1;
      try {
        const answered = await this.#ask(lane, taken, short ? SHORT_WAIT_MS : this.#cluster.settings.fetchWaitMs);
        this.#waiting.push(...taken.filter((one) => !answered.has(one)));
      } catch (failure) {
        for (const one of taken) this.#settle(one, (asker) => asker.reject(failure));
      }
      if (short) this.#short -= 1;
      // The short one comes back soon, takes what waits here, and is held long from then on.
      else if (this.#short > 0) break;
    }
    lane.busy = false;
  }

  /** What waits, once a partition: an answer says the partition only. */
  #take(): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const seen = new Set<string>();
    for (const one of this.#waiting) {
      const place = placeOf(one.wanted);
      if (one.askers.every(({ signal }) => signal.aborted)) {
        this.#settle(one, (asker) => asker.reject(unavailable("The reader was closed.")));
        continue;
      }
      if (taken.length < MAX_PARTITIONS && !seen.has(place)) taken.push(one);
      else left.push(one);
      seen.add(place);
    }
    this.#waiting = left;
    // Two places of one partition: in a lane of its own, now.
    if (left.length > 0) this.#start();
    return taken;
  }

  #settle(waiting: Waiting, answer: (asker: Asker) => void): void {
    this.#open.delete(waiting.key);
    for (const asker of waiting.askers) answer(asker);
  }

  /** Asks once and answers those that there is something for. */
  async #ask(lane: Lane, taken: readonly Waiting[], waitMs: number): Promise<ReadonlySet<Waiting>> {
    const address = this.#cluster.addressOf(this.#node);
    if (address === undefined) throw unavailable(`Kafka's node ${this.#node} is not known any more.`);
    const connection = await lane.connections.get(address);
    const wanted = taken.map((one) => one.wanted);
    const request = fetchRecords(connection, { waitMs, maxBytes: MAX_ANSWER_BYTES }, wanted);
    const { errorCode, partitions } = await request.catch((failure: unknown) => {
      throw asUnavailable(failure);
    });
    if (errorCode !== CODE.NONE) throw unavailable(`Kafka refuses to be read from: ${nameOf(errorCode)}.`);
    const byPlace = new Map(partitions.map((fetched) => [placeOf(fetched), fetched]));
    const answered = new Set<Waiting>();
    for (const one of taken) {
      const fetched = byPlace.get(placeOf(one.wanted));
      if (fetched === undefined || (isQuiet(fetched) && !one.quietly)) continue;
      answered.add(one);
      this.#settle(one, (asker) => asker.resolve(fetched));
    }
    return answered;
  }
}

const placeOf = ({ topicId, partition }: { readonly topicId: string; readonly partition: number }): string =>
  `${topicId}/${partition}`;

const isQuiet = ({ errorCode, records, divergedAt }: PartitionFetched): boolean =>
  errorCode === CODE.NONE && records.length === 0 && divergedAt === undefined;
