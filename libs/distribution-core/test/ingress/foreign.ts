/** Topics that others write to, in memory: the least that keeps the contract, and can be told to fail. */
import type { ForeignReader, ForeignRecord, ForeignTopics, ReadFrom } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { invalidEvent, type PackedBatch } from "../../src/events/index.ts";

export interface Written {
  readonly value?: string | Uint8Array;
  readonly key?: string;
  readonly headers?: readonly (readonly [string, Uint8Array])[];
  /** Absent: the record is no event. */
  readonly events?: PackedBatch;
}

interface Partition {
  first: number;
  readonly records: ForeignRecord[];
}

export class MemoryForeign implements ForeignTopics {
  readonly #topics = new Map<string, Partition[]>();
  readonly #wake = new Set<() => void>();
  /** What the next reads fail with. */
  readonly failures: DistributionError[] = [];

  create(topic: string, partitions = 1): void {
    const all = this.#topics.get(topic) ?? [];
    while (all.length < partitions) all.push({ first: 0, records: [] });
    this.#topics.set(topic, all);
  }

  write(topic: string, { value, key, headers = [], events }: Written, partition = 0): void {
    const { records, first } = this.#partition(topic, partition);
    const number = first + records.length;
    records.push({
      epoch: "e1",
      // Before the first is 0, as on the embedded broker.
      offset: String(number + 1),
      key: key === undefined ? undefined : Buffer.from(key),
      headers,
      value: typeof value === "string" ? Buffer.from(value) : value,
      time: 1_700_000_000_000_000_000n + BigInt(number),
      events() {
        if (events === undefined) throw invalidEvent("record", "It has no header that says what it is.");
        return events;
      },
    });
    for (const wake of [...this.#wake]) wake();
  }

  /** Retention: the oldest records go. */
  forget(topic: string, count: number): void {
    const partition = this.#partition(topic, 0);
    partition.records.splice(0, count);
    partition.first += count;
  }

  async partitions(topic: string): Promise<number> {
    const all = this.#topics.get(topic);
    if (all === undefined) throw new DistributionError("unknown_topic", `There is no topic ${topic}.`);
    return all.length;
  }

  async read(topic: string, partition: number, from: ReadFrom): Promise<ForeignReader> {
    const source = this.#partition(topic, partition);
    let next = startOf(source, from);
    let closed = false;
    const gone = () => new DistributionError("position_gone", `Record ${next} is no longer kept.`);
    if (next < source.first) throw gone();
    return {
      start: { epoch: "e1", offset: String(next) },
      next: async (maxRecords) => {
        for (;;) {
          if (closed) return [];
          const failure = this.failures.shift();
          if (failure) throw failure;
          if (next < source.first) throw gone();
          const found = source.records.slice(next - source.first, next - source.first + maxRecords);
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
        for (const wake of [...this.#wake]) wake();
      },
    };
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
