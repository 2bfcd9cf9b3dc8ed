/** One partition of one topic as the events of the publish at hand go to it. */
import type { PartitionWrite } from "../brokers/contract.ts";
import { BatchWriter } from "../events/index.ts";
import type { Placement } from "./taken-publish.ts";

/** Room of a writer that is kept, at most, bytes; and what a little larger batch may come next. */
const MAX_KEPT_ROOM = 256 * 1024;
const ROOM_FACTOR = 1.125;

export class Target {
  readonly topic: string;
  readonly partition: number;
  /** Bytes that its events will take, framed and stamped; 0 while none goes here. */
  bytes = 0;
  /** Open while events are written. */
  writer: BatchWriter | undefined;
  /** Number of the present write among the writes of the publish. */
  write = 0;
  #kept: BatchWriter | undefined;
  #keptRoom = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** A writer with room for `bytes`. Small ones are kept for the next publish: making one costs as much as some events. */
  openWriter(bytes: number): BatchWriter {
    if (bytes > MAX_KEPT_ROOM) return new BatchWriter({ initialBytes: bytes });
    if (this.#kept === undefined || this.#keptRoom < bytes) {
      this.#keptRoom = Math.min(MAX_KEPT_ROOM, Math.ceil(bytes * ROOM_FACTOR));
      this.#kept = new BatchWriter({ initialBytes: this.#keptRoom });
    }
    return this.#kept;
  }

  /** Free for the next publish, whatever became of the present one. */
  reset(): void {
    if (this.writer !== undefined && this.writer.count > 0) this.#kept = undefined;
    this.bytes = 0;
    this.writer = undefined;
  }
}

/** The writes of one publish, in the order they were begun, each with the placement that will know where its events are. */
export class Writes {
  readonly placements: Placement[] = [];
  readonly #finished: PartitionWrite[] = [];
  readonly #maxBatchBytes: number;

  /** `maxBatchBytes`: the broker's; what is more goes into a further write of the same append. */
  constructor(maxBatchBytes: number) {
    this.#maxBatchBytes = maxBatchBytes;
  }

  /** Makes room for an event of `size` bytes, framed; the target's writer and write are then the ones to use. */
  reserve(target: Target, size: number): BatchWriter {
    const { writer } = target;
    if (writer !== undefined && writer.size + size <= this.#maxBatchBytes) return writer;
    if (writer !== undefined) this.#finish(target, writer);
    target.write = this.placements.length;
    this.placements.push({ topic: target.topic, partition: target.partition, count: 0 });
    target.writer = target.openWriter(Math.min(target.bytes, this.#maxBatchBytes));
    return target.writer;
  }

  /** Ends the writes of these targets. */
  finish(targets: readonly Target[]): readonly PartitionWrite[] {
    for (const target of targets) if (target.writer !== undefined) this.#finish(target, target.writer);
    return this.#finished;
  }

  #finish(target: Target, writer: BatchWriter): void {
    const { topic, partition } = target;
    this.placements[target.write]!.count = writer.count;
    this.#finished[target.write] = { topic, partition, batch: writer.finish() };
  }
}
