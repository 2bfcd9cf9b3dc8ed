/** Topics that others write to, in memory: the least that keeps the contract, and can be told to fail. */
import type {
  ForeignGroup,
  ForeignMember,
  ForeignProgress,
  ForeignReader,
  ForeignRecord,
  ForeignTopics,
  ReadFrom,
} from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { invalidEvent, type PackedBatch } from "../../src/events/index.ts";

export interface Written {
  readonly value?: string | Uint8Array;
  readonly key?: string;
  readonly headers?: readonly (readonly [string, Uint8Array])[];
  /** Absent: the record is no event. */
  readonly events?: PackedBatch;
  readonly damage?: string;
}

interface Partition {
  epoch: string;
  first: number;
  records: ForeignRecord[];
}

interface Hold {
  readonly seat: Seat;
  readonly ending: AbortController;
  lost: boolean;
  /** Resolves when it is lost. */
  readonly gone: PromiseWithResolvers<void>;
  done: Promise<void>;
}

interface Seat {
  readonly group: ForeignGroup;
}

/** Foreign topics as one process of several sees them. */
export interface ForeignProcess {
  readonly foreign: ForeignTopics;
  /** The group takes it for dead: its partitions are others' from now on, and it learns of that when what this answers is called. */
  cutOff(): () => void;
}

export class MemoryForeign implements ForeignTopics {
  readonly #topics = new Map<string, Partition[]>();
  readonly #wake = new Set<() => void>();
  readonly #seats: Seat[] = [];
  /** By partition. */
  readonly #holds = new Map<string, Hold>();
  #sharing: Promise<void> = Promise.resolve();
  /** What groups have settled, by partition. */
  readonly progress = new Map<string, ForeignProgress>();
  /** What the next reads fail with. */
  readonly failures: DistributionError[] = [];
  /** How many of so many records the next read gives. */
  giving: (count: number) => number = (count) => count;
  /** Before a settlement is kept. */
  settling: (progress: ForeignProgress) => Promise<void> = async () => undefined;

  create(topic: string, partitions = 1): void {
    const all = this.#topics.get(topic) ?? [];
    while (all.length < partitions) all.push({ epoch: "e1", first: 0, records: [] });
    this.#topics.set(topic, all);
    void this.share();
  }

  write(topic: string, { value, key, headers = [], events, damage }: Written, partition = 0): void {
    const { records, first, epoch } = this.#partition(topic, partition);
    const number = first + records.length;
    records.push({
      epoch,
      // Before the first is 0, as on the embedded broker.
      offset: String(number + 1),
      key: key === undefined ? undefined : Buffer.from(key),
      headers,
      value: typeof value === "string" ? Buffer.from(value) : value,
      time: 1_700_000_000_000_000_000n + BigInt(number),
      ...(damage !== undefined && { damage }),
      events() {
        if (events === undefined) throw invalidEvent("record", "It has no header that says what it is.");
        return events;
      },
    });
    this.#wakeAll();
  }

  /** Retention: the oldest records go. */
  forget(topic: string, count: number): void {
    const partition = this.#partition(topic, 0);
    partition.records = partition.records.slice(count);
    partition.first += count;
  }

  /** The newest records go; with another epoch, all of them. */
  cut(topic: string, count: number, epoch = "e1"): void {
    const partition = this.#partition(topic, 0);
    partition.records = epoch === partition.epoch ? partition.records.slice(0, -count) : [];
    partition.epoch = epoch;
    this.#wakeAll();
  }

  async partitions(topic: string): Promise<number> {
    const all = this.#topics.get(topic);
    if (all === undefined) throw new DistributionError("unknown_topic", `There is no topic ${topic}.`);
    return all.length;
  }

  async join(group: ForeignGroup): Promise<ForeignMember> {
    return this.#join({ group });
  }

  async #join(seat: Seat): Promise<ForeignMember> {
    this.#seats.push(seat);
    await this.share();
    return {
      close: async () => {
        if (this.#seats.includes(seat)) this.#seats.splice(this.#seats.indexOf(seat), 1);
        await this.share();
      },
    };
  }

  process(): ForeignProcess {
    const seats: Seat[] = [];
    return {
      foreign: {
        partitions: (topic) => this.partitions(topic),
        read: (topic, partition, from) => this.read(topic, partition, from),
        join: (group) => {
          const seat = { group };
          seats.push(seat);
          return this.#join(seat);
        },
      },
      cutOff: () => {
        const held = [...this.#holds].filter(([, { seat }]) => seats.includes(seat));
        for (const seat of seats) {
          if (this.#seats.includes(seat)) this.#seats.splice(this.#seats.indexOf(seat), 1);
        }
        for (const [place, hold] of held) {
          hold.lost = true;
          hold.gone.resolve();
          this.#holds.delete(place);
        }
        void this.share();
        return () => {
          for (const [, { ending }] of held) ending.abort();
        };
      },
    };
  }

  /** Gives each partition to its member, when the one before has let go of it. */
  share(): Promise<void> {
    this.#sharing = this.#sharing.then(() => this.#share());
    return this.#sharing;
  }

  async #share(): Promise<void> {
    const places = [...this.#topics].flatMap(([topic, all]) => all.map((_, partition) => ({ topic, partition })));
    for (const [at, { topic, partition }] of places.entries()) {
      const place = `${topic}/${partition}`;
      const seats = this.#seats.filter(({ group }) => group.topics.includes(topic));
      const seat = seats[at % Math.max(1, seats.length)];
      const hold = this.#holds.get(place);
      if (hold?.seat === seat) continue;
      hold?.ending.abort();
      await Promise.race([hold?.done, hold?.gone.promise]);
      if (hold) hold.lost = true;
      this.#holds.delete(place);
      // It may be gone by now; who is there then is given it by the next round.
      if (seat !== undefined && this.#seats.includes(seat)) this.#give(place, topic, partition, seat);
    }
  }

  #give(place: string, topic: string, partition: number, seat: Seat): void {
    const ending = new AbortController();
    const hold: Hold = { seat, ending, lost: false, gone: Promise.withResolvers(), done: Promise.resolve() };
    this.#holds.set(place, hold);
    hold.done = seat.group.own({
      ...{ topic, partition, ending: ending.signal },
      progress: this.progress.get(place),
      begun: [...this.progress.keys()].some((key) => key.startsWith(`${topic}/`)),
      settle: async (progress) => {
        await this.settling(progress);
        if (hold.lost) throw new DistributionError("unavailable", `${place} is another member's now.`);
        this.progress.set(place, progress);
      },
    });
  }

  async read(topic: string, partition: number, from: ReadFrom): Promise<ForeignReader> {
    const source = this.#partition(topic, partition);
    const { epoch } = source;
    let next = startOf(source, from);
    let closed = false;
    const gone = () => new DistributionError("position_gone", `Record ${next} is no longer kept.`);
    const isGone = () => next < source.first || next > source.first + source.records.length || source.epoch !== epoch;
    if (isGone() || ("after" in from && from.after.epoch !== epoch)) throw gone();
    return {
      start: { epoch, offset: String(next) },
      next: async (maxRecords) => {
        for (;;) {
          if (closed) return [];
          const failure = this.failures.shift();
          if (failure) throw failure;
          if (isGone()) throw gone();
          const ahead = source.records.slice(next - source.first, next - source.first + maxRecords);
          const found = ahead.slice(0, this.giving(ahead.length));
          next += found.length;
          if (found.length > 0) return found;
          await new Promise<void>((resolve) => {
            const wake = () => {
              this.#wake.delete(wake);
              resolve();
            };
            this.#wake.add(wake);
          });
        }
      },
      close: async () => {
        closed = true;
        this.#wakeAll();
      },
    };
  }

  #wakeAll(): void {
    for (const wake of [...this.#wake]) wake();
  }

  #partition(topic: string, partition: number): Partition {
    const found = this.#topics.get(topic)?.[partition];
    if (found === undefined) throw new DistributionError("unknown_topic", `There is no topic ${topic}.`);
    return found;
  }
}

function startOf({ first, records }: Partition, from: ReadFrom): number {
  if ("after" in from) return Number(from.after.offset);
  return "at" in from && from.at === "latest" ? first + records.length : first;
}
