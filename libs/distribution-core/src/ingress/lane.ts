/** One partition of an ingress topic: reads, publishes, gives up what is refused for good, and waits where that helps. */
import type { ForeignReader, ForeignRecord, ForeignTopics, Position, ReadFrom } from "../brokers/contract.ts";
import { DistributionError, type ErrorCode, toDistributionError } from "../errors.ts";
import { decodeEvent, encodeEvent, messageAt, type PackedBatch, packMessages } from "../events/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { IngressTopic } from "./contract.ts";
import type { DeadLetter } from "./dead-letters.ts";

/** Read, and so published, at a time. A publish takes no more events and bytes; a single event may be larger. */
const READ_RECORDS = 500;
const PUBLISH_EVENTS = 500;
const PUBLISH_BYTES = 1024 * 1024;

/** Between two tries of what failed for now, ms; half of it by chance. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** No record's fault: every other one would be refused likewise, until somebody mends the service or its broker. */
const OPERATORS: ReadonlySet<ErrorCode> = new Set(["unknown_topic", "unauthenticated", "forbidden"]);

export interface LaneHost {
  readonly foreign: ForeignTopics;
  readonly runtime: Runtime;
  /** Publishes as the service. Rejects as ingest does. */
  publish(topic: string, batch: PackedBatch): Promise<unknown>;
  /** Rejects while the letter can't be kept. */
  bury(letter: DeadLetter): Promise<void>;
  /** Everything up to the position is published or buried; no records: reading begins behind it. */
  passed(lane: IngressLane, records: number): void;
  /** The log no longer has what comes next: reading begins anew with the oldest record that is kept. */
  lost(lane: IngressLane, error: DistributionError): void;
  /** It went on until now. */
  held(lane: IngressLane, error: DistributionError): void;
}

export interface LaneOptions {
  readonly topic: IngressTopic;
  readonly partition: number;
  /** Of the last record that was taken before; undefined: none was. */
  readonly position: Position | undefined;
  /** Where reading begins when none was. */
  readonly start: "earliest" | "latest";
  readonly host: LaneHost;
}

/** One event on its way in. */
interface Candidate {
  readonly record: ForeignRecord;
  /** Its place in the record. */
  readonly index: number;
  readonly message: Uint8Array;
}

export class IngressLane {
  readonly topic: IngressTopic;
  readonly partition: number;
  /** What keeps it from going on; undefined while nothing does. */
  trouble: string | undefined;
  /** Of the last record that is published or buried, or before the first; undefined: that is not known yet. */
  position: Position | undefined;
  readonly #host: LaneHost;
  #reader: ForeignReader | undefined;
  #stopped = false;
  #waitMs = FIRST_WAIT_MS;
  #wake: (() => void) | undefined;

  #start: "earliest" | "latest";

  constructor({ topic, partition, position, start, host }: LaneOptions) {
    this.topic = topic;
    this.partition = partition;
    this.position = position;
    this.#start = start;
    this.#host = host;
  }

  /** Resolves when it was stopped. Never rejects. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow(this.position ? { after: this.position } : { at: this.#start });
      } catch (failure) {
        const error = toDistributionError(failure);
        if (error.code === "position_gone" && this.position) {
          this.#host.lost(this, error);
          this.position = undefined;
          this.#start = "earliest";
        }
        await this.#rest(error);
      }
    }
  }

  /** What is being published is finished first. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#reader?.close();
  }

  async #follow(from: ReadFrom): Promise<void> {
    const { foreign } = this.#host;
    const reader = await foreign.read(this.topic.from, this.partition, from);
    this.#reader = reader;
    try {
      // Also on a quiet topic nothing holds it back any more, and `latest` is one place, whatever comes before the first record.
      this.trouble = undefined;
      this.#pass(reader.start, 0);
      while (!this.#stopped) {
        const records = await reader.next(READ_RECORDS);
        if (records.length === 0) return;
        if (!(await this.#take(records))) return;
        this.#goesOn();
        this.#pass(records.at(-1)!, records.length);
      }
    } finally {
      this.#reader = undefined;
      await reader.close();
    }
  }

  #pass({ epoch, offset }: Pick<Position, "epoch" | "offset">, records: number): void {
    this.position = { topic: this.topic.from, partition: this.partition, epoch, offset };
    this.#host.passed(this, records);
  }

  /** False: it was stopped before everything was taken. */
  async #take(records: readonly ForeignRecord[]): Promise<boolean> {
    const candidates: Candidate[] = [];
    for (const record of records) {
      try {
        candidates.push(...this.#candidatesOf(record));
      } catch (failure) {
        if (!(await this.#bury({ record, index: 0 }, reasonOf(failure)))) return false;
      }
    }
    let most = PUBLISH_EVENTS;
    for (let at = 0; at < candidates.length; ) {
      const chunk = chunkOf(candidates, at, most);
      const failure = await this.#publish(chunk);
      if (failure === undefined) {
        at += chunk.length;
        most = PUBLISH_EVENTS;
        continue;
      }
      if (this.#stopped) return false;
      const named = blamedBy(failure);
      if (failure.definition.retry || (named === undefined && OPERATORS.has(failure.code))) {
        await this.#rest(failure);
        continue;
      }
      const blamed = chunk.length === 1 ? 0 : named;
      if (blamed === undefined || blamed >= chunk.length) {
        // Whose fault it is comes out one by one.
        most = 1;
        continue;
      }
      if (!(await this.#bury(chunk[blamed]!, ofEvent(failure)))) return false;
      candidates.splice(at + blamed, 1);
    }
    return true;
  }

  #candidatesOf(record: ForeignRecord): Candidate[] {
    const { form, from } = this.topic;
    if (form !== "events") {
      const event = form(record, { topic: from, partition: this.partition });
      return [{ record, index: 0, message: encodeEvent(event) }];
    }
    const batch = record.events();
    if (batch.count === 1) return [{ record, index: 0, message: keyed(messageAt(batch, 0), record.key) }];
    return Array.from({ length: batch.count }, (_, index) => ({ record, index, message: messageAt(batch, index) }));
  }

  async #publish(chunk: readonly Candidate[]): Promise<DistributionError | undefined> {
    try {
      await this.#host.publish(this.topic.into, packMessages(chunk.map(({ message }) => message)));
      return undefined;
    } catch (failure) {
      return toDistributionError(failure);
    }
  }

  /** However long it takes; false when it was stopped meanwhile. */
  async #bury({ record, index }: Omit<Candidate, "message">, error: DistributionError): Promise<boolean> {
    while (!this.#stopped) {
      try {
        await this.#host.bury({ topic: this.topic.from, partition: this.partition, record, index, error });
        return true;
      } catch (failure) {
        await this.#rest(toDistributionError(failure));
      }
    }
    return false;
  }

  async #rest(error: DistributionError): Promise<void> {
    if (this.trouble === undefined) this.#host.held(this, error);
    this.trouble = `${this.topic.from}/${this.partition}: ${error.message}`;
    if (this.#stopped) return;
    const { random, timers } = this.#host.runtime;
    const ms = Math.max(error.retryAfterMs ?? 0, this.#waitMs * (0.5 + random.next() / 2));
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = timers.after(ms, resolve);
    });
    timer?.cancel();
    this.#wake = undefined;
  }

  #goesOn(): void {
    this.trouble = undefined;
    this.#waitMs = FIRST_WAIT_MS;
  }
}

/** A writer of CloudEvents may say the key by the record's alone. */
function keyed(message: Uint8Array, key: Uint8Array | undefined): Uint8Array {
  if (key === undefined || key.length === 0) return message;
  const event = decodeEvent(message);
  return event.key === "" ? encodeEvent({ ...event, key: Buffer.from(key).toString("utf8") }) : message;
}

/** A mapping may throw anything; to its writer it is one thing: this record is no event. */
function reasonOf(failure: unknown): DistributionError {
  if (failure instanceof DistributionError) return failure;
  const message = failure instanceof Error ? failure.message : String(failure);
  return new DistributionError("invalid_event", `The record's mapping failed: ${message}`, { cause: failure });
}

function chunkOf(candidates: readonly Candidate[], from: number, most: number): Candidate[] {
  let bytes = 0;
  let to = from;
  while (to < candidates.length && to - from < most) {
    bytes += candidates[to]!.message.length;
    if (to > from && bytes > PUBLISH_BYTES) break;
    to += 1;
  }
  return candidates.slice(from, to);
}

const PLACE = /^events\[(\d+)\]/;

/** The place in the batch that ingest names in `events[i]`. */
function blamedBy({ errors }: DistributionError): number | undefined {
  const match = PLACE.exec(errors[0]?.path ?? "");
  return match ? Number(match[1]) : undefined;
}

/** The same said of the event alone: its place in the batch that was tried means nothing to whoever reads the letter. */
function ofEvent({ code, message, errors }: DistributionError): DistributionError {
  const named = (text: string): string => text.replace(PLACE, "event");
  const about = errors.map((error) => ({ path: named(error.path), message: error.message }));
  return new DistributionError(code, named(message), { errors: about });
}
