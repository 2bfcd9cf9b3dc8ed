/** A log for tests of the engine: offsets are `<record>.<index>`, retention, epochs and failures happen when told to. */
import type { Offset, PartitionReader, ReadFrom, StoredBatch } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { batchOf } from "@distribution/testkit/broker";
import { cut } from "../../src/index.ts";

interface FakeRecord {
  readonly number: number;
  readonly names: readonly string[];
}

export interface FakePartition {
  epoch: string;
  readonly records: FakeRecord[];
  next: number;
  /** Records before this one are gone. */
  kept: number;
  /** Thrown by the next reads, one each. */
  readonly failures: DistributionError[];
  readonly waiting: Set<() => void>;
  /** Readers open now, and opened ever. */
  open: number;
  opened: number;
}

export const compareOffsets = (a: Offset, b: Offset): number => {
  const [[r1, i1], [r2, i2]] = [parse(a), parse(b)];
  return r1 - r2 || i1 - i2;
};

function parse(offset: Offset): [record: number, index: number] {
  const match = /^(\d+)\.(\d+)$/.exec(offset);
  if (match === null) throw new DistributionError("invalid_request", `a: ${offset} is no offset`);
  return [Number(match[1]), Number(match[2])];
}

export class FakeLog {
  readonly #partitions = new Map<string, FakePartition>();

  partition(topic: string, index: number): FakePartition {
    const name = `${topic}/${index}`;
    let found = this.#partitions.get(name);
    if (found === undefined) {
      const records: FakeRecord[] = [];
      const failures: DistributionError[] = [];
      found = { epoch: "e1", records, next: 1, kept: 1, failures, waiting: new Set(), open: 0, opened: 0 };
      this.#partitions.set(name, found);
    }
    return found;
  }

  /** One record of these events: `id` or `id:key`. Record numbers go up by three, as if others lay between. */
  append(topic: string, index: number, names: readonly string[]): void {
    const partition = this.partition(topic, index);
    partition.records.push({ number: partition.next, names });
    partition.next += 3;
    wake(partition);
  }

  /** Deletes records before this one. */
  truncate(topic: string, index: number, record: number): void {
    const partition = this.partition(topic, index);
    partition.kept = record;
    partition.records.splice(0, partition.records.filter(({ number }) => number < record).length);
    wake(partition);
  }

  /** Deleted and created again. */
  recreate(topic: string, index: number): void {
    const partition = this.partition(topic, index);
    partition.epoch = `e${Number(partition.epoch.slice(1)) + 1}`;
    partition.records.length = 0;
    partition.next = 1;
    partition.kept = 1;
    wake(partition);
  }

  end(topic: string, index: number): Offset {
    const last = this.partition(topic, index).records.at(-1);
    return last === undefined ? "0.0" : `${last.number}.${last.names.length - 1}`;
  }

  read = async (topic: string, index: number, from: ReadFrom): Promise<PartitionReader> => {
    const partition = this.partition(topic, index);
    const failure = partition.failures.shift();
    if (failure !== undefined) throw failure;
    partition.open += 1;
    partition.opened += 1;
    return createReader(partition, startOf(partition, from));
  };
}

function wake(partition: FakePartition): void {
  for (const resolve of partition.waiting) resolve();
}

const gone = (what: string): DistributionError => new DistributionError("position_gone", `${what} is gone`);

function startOf(partition: FakePartition, from: ReadFrom): Offset {
  if (!("after" in from)) return `${partition.kept - 1}.0`;
  const { epoch, offset } = from.after;
  if (epoch !== partition.epoch) throw gone(epoch);
  if (compareOffsets(offset, `${partition.kept - 1}.0`) < 0) throw gone(offset);
  return offset;
}

function createReader(partition: FakePartition, start: Offset): PartitionReader {
  const { epoch } = partition;
  let after = start;
  let closed = false;
  let wakeSelf: (() => void) | undefined;
  const close = (): void => {
    if (!closed) partition.open -= 1;
    closed = true;
    wakeSelf?.();
  };
  const fail = (error: DistributionError): never => {
    close();
    throw error;
  };
  return {
    start: { epoch, offset: start },
    async next(maxBytes) {
      while (!closed) {
        const failure = partition.failures.shift();
        if (failure !== undefined) fail(failure);
        if (partition.epoch !== epoch) fail(gone(epoch));
        const [record, index] = parse(after);
        if (record < partition.kept - 1) fail(gone(after));
        const batches: StoredBatch[] = [];
        let bytes = 0;
        for (const one of partition.records) {
          const from = one.number === record ? index + 1 : 0;
          if (one.number < record || from >= one.names.length || (bytes > 0 && bytes >= maxBytes)) continue;
          const stored = storedBatch(epoch, one, from);
          batches.push(stored);
          bytes += stored.batch.bytes.length;
          after = `${one.number}.${one.names.length - 1}`;
        }
        if (batches.length > 0) return batches;
        await new Promise<void>((resolve) => {
          wakeSelf = resolve;
          partition.waiting.add(resolve);
        });
        if (wakeSelf !== undefined) partition.waiting.delete(wakeSelf);
      }
      return [];
    },
    async close() {
      close();
    },
  };
}

function storedBatch(epoch: string, { number, names }: FakeRecord, from: number): StoredBatch {
  const whole = batchOf(names.map((name) => ({ id: name.split(":")[0]!, key: name.split(":")[1] ?? "" })));
  const batch = cut(whole, from, whole.count);
  return { epoch, batch, appendedAt: 0n, offsetAt: (at) => `${number}.${from + at}` };
}
