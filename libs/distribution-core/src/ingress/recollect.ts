/** Which events the service's own log has: read from when they may have been published first, up to its end. */
import type { Broker, PartitionInfo } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import { createEnvelope, EVENT_FIELD, type PackedBatch } from "../events/index.ts";
import type { Logger } from "../observability/index.ts";

export interface Recollection {
  readonly broker: Pick<Broker, "admin" | "read" | "compareOffsets">;
  /** Where the events may be. */
  readonly topics: readonly string[];
  readonly logger: Logger;
}

/** Bytes asked of a partition at a time. */
const READ_BYTES = 256 * 1024;
/** The log's times are the broker's, `since` is a service's: what their clocks may differ by, Unix nanoseconds. */
const CLOCKS_DIFFER_NS = 60_000_000_000n;

/** An event by what it is known by. */
export const nameOf = ({ source, id }: { readonly source: string; readonly id: string }): string => `${source}\n${id}`;

/**
 * Those of the wanted, by index, that were published at that time, Unix nanoseconds, or later. Each may be there under any of its
 * names. Rejects with what the broker rejects with.
 */
export async function recollect(
  { broker, topics, logger }: Recollection,
  since: bigint,
  wanted: readonly (readonly string[])[],
): Promise<ReadonlySet<number>> {
  const search = new Search(wanted);
  const time = since > CLOCKS_DIFFER_NS ? since - CLOCKS_DIFFER_NS : 0n;
  for (const topic of topics) {
    for (const info of await broker.admin.partitions(topic)) {
      if (search.isOver) return search.found;
      if (info.start === info.end) continue;
      try {
        await readPartition(broker, info, time, search);
      } catch (failure) {
        if (!(failure instanceof DistributionError) || failure.code !== "record_damaged") throw failure;
        logger.error(
          { err: failure, topic, partition: info.partition },
          "A damaged record ends what ingress can look up in this partition; what lies behind it may come in twice.",
        );
      }
    }
  }
  return search.found;
}

class Search {
  readonly found = new Set<number>();
  readonly #count: number;
  readonly #byName = new Map<string, number[]>();
  readonly #envelope = createEnvelope();

  constructor(wanted: readonly (readonly string[])[]) {
    this.#count = wanted.length;
    for (const [index, names] of wanted.entries()) {
      for (const name of names) {
        const same = this.#byName.get(name);
        if (same === undefined) this.#byName.set(name, [index]);
        else same.push(index);
      }
    }
  }

  get isOver(): boolean {
    return this.found.size === this.#count;
  }

  see({ bytes, bounds, count }: PackedBatch): void {
    const envelope = this.#envelope;
    for (let index = 0; index < count; index += 1) {
      try {
        envelope.read(bytes, bounds[2 * index]!, bounds[2 * index + 1]!);
      } catch {
        // Not an event of ours: the broker keeps what it was given, by whomever.
        continue;
      }
      const name = nameOf({ source: envelope.text(EVENT_FIELD.source), id: envelope.text(EVENT_FIELD.id) });
      for (const at of this.#byName.get(name) ?? []) this.found.add(at);
    }
  }
}

async function readPartition(
  broker: Recollection["broker"],
  { topic, partition, end }: PartitionInfo,
  time: bigint,
  search: Search,
): Promise<void> {
  const reader = await broker.read(topic, partition, { time });
  let at = reader.start.offset;
  try {
    while (!search.isOver && broker.compareOffsets(at, end) < 0) {
      for (const stored of await reader.next(READ_BYTES)) {
        search.see(stored.batch);
        at = stored.offsetAt(stored.batch.count - 1);
      }
    }
  } finally {
    await reader.close();
  }
}
