/** Makes batches of the records of an answer: those with one event each that lie side by side become one. */
import { EventRun, fromRecord, KAFKA_BINDING } from "@distribution/broker-common";
import { type LogBatch, RecordBatch, RunBatch } from "./log-batch.ts";
import type { LogRecord } from "./record.ts";
import type { Gathering } from "./source.ts";

/** Shared by all partitions: it is empty between two answers. */
const run = new EventRun(KAFKA_BINDING);

export class EventGathering implements Gathering<LogBatch> {
  readonly #epoch: string;
  #batches: LogBatch[] = [];
  #first: LogRecord | undefined;
  #last: LogRecord | undefined;
  #appendedAt = 0n;

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  add(record: LogRecord, appendedAt: bigint): void {
    if (!this.#goesOn(record) || appendedAt !== this.#appendedAt) this.#endRun();
    let added = run.add(record);
    if (added === "full") {
      this.#endRun();
      added = run.add(record);
    }
    if (added === "other") {
      this.#endRun();
      this.#batches.push(new RecordBatch(this.#epoch, record.offset, appendedAt, fromRecord(record, KAFKA_BINDING)));
      return;
    }
    this.#first ??= record;
    this.#last = record;
    this.#appendedAt = appendedAt;
  }

  take(): LogBatch[] {
    this.#endRun();
    const batches = this.#batches;
    this.#batches = [];
    return batches;
  }

  #goesOn({ batch, place }: LogRecord): boolean {
    return this.#last === undefined || (this.#last.batch === batch && this.#last.place + 1 === place);
  }

  #endRun(): void {
    if (this.#first === undefined) return;
    this.#batches.push(new RunBatch(this.#epoch, this.#first.offset, this.#appendedAt, run.take()));
    this.#first = undefined;
    this.#last = undefined;
  }
}
