/**
 * Writes one partition through one producer. It clocks itself: while messages are under way, what is appended meanwhile is collected
 * and goes as one.
 */
import { PULSAR_BINDING, type RecordForm, toRecords } from "@distribution/broker-common";
import type { Appended } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import type { PackedBatch } from "@distribution/core/events";
import type { Runtime, Timer } from "@distribution/core/runtime";
import { failureOf } from "../failures.ts";
import type { Place } from "../offset.ts";
import { type MessagePlace, type OutgoingMessage, PortError, type PortProducer } from "../port.ts";
import { PackedReceipt, SingleReceipt } from "./receipt.ts";

export interface WriterOptions {
  /** For people: topic/partition. */
  readonly name: string;
  readonly form: RecordForm;
  readonly runtime: Runtime;
  /** Largest message made of several writes, bytes. */
  readonly maxMessageBytes: number;
  readonly maxInFlightBytes: number;
  readonly timeoutMs: number;
  open(): Promise<PortProducer>;
  /** The topic's epoch, asked for when a ledger is met for the first time: another one may be another topic's. */
  epochNow(): Promise<string>;
  /** Where the last event of an entry is. */
  onStored(last: Place): void;
  /** Pulsar does not know the topic. */
  onUnknownTopic(): void;
}

export interface Writer {
  write(batch: PackedBatch): Promise<Appended>;
  /** Resolves when everything is settled that was written before. */
  close(): Promise<void>;
  /** Rejects what is not settled, and lets go at once. */
  abandon(reason: DistributionError): void;
}

interface Work {
  readonly batch: PackedBatch;
  readonly dueAt: number;
  resolve(appended: Appended): void;
  reject(failure: unknown): void;
}

/** After these a producer is of no more use. */
const ENDED: ReadonlySet<string> = new Set(["unknown_topic", "refused", "closed"]);

/** Messages under way at a time: the second fills the time that the first takes to travel. */
const MOST_IN_FLIGHT = 2;

export function createWriter(options: WriterOptions): Writer {
  const { runtime, form, timeoutMs } = options;
  const waiting: Work[] = [];
  const underWay = new Set<Work>();
  let producer: Promise<PortProducer> | undefined;
  let messages = 0;
  let bytes = 0;
  let knownLedger: { readonly id: bigint; readonly epoch: string } | undefined;
  let asked: Promise<string> | undefined;
  let scheduled = false;
  let timer: Timer | undefined;
  let abandoned: DistributionError | undefined;
  const idle: (() => void)[] = [];

  /** Receipts come in order, so that one ledger follows another. */
  const epochOf = async ({ ledger }: MessagePlace): Promise<string> => {
    if (knownLedger?.id === ledger) return knownLedger.epoch;
    asked ??= options.epochNow().finally(() => {
      asked = undefined;
    });
    const epoch = await asked;
    knownLedger = { id: ledger, epoch };
    return epoch;
  };

  const settle = (works: readonly Work[], size: number): void => {
    for (const work of works) underWay.delete(work);
    messages -= 1;
    bytes -= size;
    schedule();
    if (messages === 0 && waiting.length === 0) for (const resolve of idle.splice(0)) resolve();
  };

  const run = async (works: readonly Work[], size: number): Promise<void> => {
    messages += 1;
    bytes += size;
    for (const work of works) underWay.add(work);
    try {
      const opened = await opening();
      if (form === "packed") await sendPacked(opened, works, epochOf, options);
      else await sendSingles(opened, works, epochOf, options);
    } catch (failure) {
      // One that only timed out keeps the order of what it still has under way.
      if (failure instanceof PortError && ENDED.has(failure.code)) forgetProducer();
      if (failure instanceof PortError && failure.code === "unknown_topic") options.onUnknownTopic();
      const told = abandoned ?? failureOf(failure, `${options.name} was not appended to`);
      for (const work of works) work.reject(told);
    }
    settle(works, size);
  };

  const opening = (): Promise<PortProducer> => {
    if (producer === undefined) {
      const opened = options.open();
      producer = opened;
      opened.catch(() => {
        if (producer === opened) producer = undefined;
      });
    }
    return producer;
  };

  const forgetProducer = (): void => {
    const had = producer;
    producer = undefined;
    knownLedger = undefined;
    had?.then((opened) => opened.close()).catch(() => undefined);
  };

  /** Refuses what has waited too long, whatever became of it: it may be stored later. */
  const sweep = (): void => {
    timer = undefined;
    const now = runtime.clock.monotonicMs();
    const late = new DistributionError(
      "unavailable",
      `${options.name} was not confirmed within ${timeoutMs} ms (appendTimeoutMs). Append again; it may be stored already.`,
    );
    while (waiting.length > 0 && waiting[0]!.dueAt <= now) waiting.shift()!.reject(late);
    for (const work of underWay) {
      if (work.dueAt > now) break;
      work.reject(late);
    }
    arm();
  };

  const arm = (): void => {
    const now = runtime.clock.monotonicMs();
    let next = waiting[0]?.dueAt;
    for (const { dueAt } of underWay) {
      if (dueAt <= now) continue;
      next = dueAt;
      break;
    }
    if (next !== undefined) timer ??= runtime.timers.after(Math.max(1, next - now), sweep);
  };

  const flush = (): void => {
    scheduled = false;
    while (waiting.length > 0 && messages < MOST_IN_FLIGHT && (messages === 0 || bytes < options.maxInFlightBytes)) {
      const works: Work[] = [];
      let size = 0;
      while (
        waiting.length > 0 &&
        (works.length === 0 || size + waiting[0]!.batch.bytes.length <= options.maxMessageBytes)
      ) {
        const work = waiting.shift()!;
        size += work.batch.bytes.length;
        works.push(work);
      }
      void run(works, size);
    }
  };

  /** After this turn of the event loop, so that what it brings goes together. */
  const schedule = (): void => {
    if (scheduled || waiting.length === 0 || messages >= MOST_IN_FLIGHT) return;
    scheduled = true;
    runtime.timers.soon(flush);
  };

  return {
    write(batch) {
      if (abandoned !== undefined) return Promise.reject(abandoned);
      return new Promise((resolve, reject) => {
        waiting.push({ batch, dueAt: runtime.clock.monotonicMs() + timeoutMs, resolve, reject });
        arm();
        schedule();
      });
    },
    async close() {
      if (messages > 0 || waiting.length > 0) await new Promise<void>((resolve) => idle.push(resolve));
      timer?.cancel();
      await producer?.then((opened) => opened.close()).catch(() => undefined);
    },
    abandon(reason) {
      abandoned = reason;
      for (const work of waiting.splice(0)) work.reject(reason);
      for (const work of underWay) work.reject(reason);
      timer?.cancel();
      forgetProducer();
    },
  };
}

type EpochOf = (place: MessagePlace) => Promise<string>;

/** All of them in one message. */
async function sendPacked(
  producer: PortProducer,
  works: readonly Work[],
  epochOf: EpochOf,
  { onStored }: WriterOptions,
): Promise<void> {
  const joined = join(works.map(({ batch }) => batch));
  const [record] = toRecords(joined, "packed", PULSAR_BINDING);
  const place = await producer.send(messageOf(record!));
  const epoch = await epochOf(place);
  let base = 0;
  for (const { batch, resolve } of works) {
    resolve(new PackedReceipt(epoch, place, base));
    base += batch.count;
  }
  onStored({ ledger: place.ledger, entry: place.entry, index: base });
}

/** Each event in a message of its own. */
async function sendSingles(
  producer: PortProducer,
  works: readonly Work[],
  epochOf: EpochOf,
  { form, onStored }: WriterOptions,
): Promise<void> {
  const sent = works.map(({ batch }) =>
    Promise.all(toRecords(batch, form, PULSAR_BINDING).map((record) => producer.send(messageOf(record)))),
  );
  const stored = await Promise.all(sent);
  for (const [at, places] of stored.entries()) {
    const last = places.at(-1)!;
    works[at]!.resolve(new SingleReceipt(await epochOf(last), places));
    if (last.batchIndex < 0 || last.batchIndex === last.batchSize - 1) {
      onStored({ ledger: last.ledger, entry: last.entry, index: Math.max(last.batchSize, 1) });
    }
  }
}

type Records = ReturnType<typeof toRecords>;

function messageOf({ key, headers, value }: Records[number]): OutgoingMessage {
  const properties: Record<string, string> = {};
  for (const [name, bytes] of headers)
    properties[name] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const data = value ?? new Uint8Array();
  return key === undefined ? { data, properties } : { data, properties, key: Buffer.from(key).toString() };
}

/** Packed batches one after the other are a packed batch. */
export function join(batches: readonly PackedBatch[]): PackedBatch {
  if (batches.length === 1) return batches[0]!;
  let size = 0;
  let count = 0;
  for (const batch of batches) {
    size += batch.bytes.length;
    count += batch.count;
  }
  const bytes = Buffer.allocUnsafe(size);
  const bounds = new Uint32Array(2 * count);
  let origin = 0;
  let event = 0;
  for (const batch of batches) {
    bytes.set(batch.bytes, origin);
    for (let at = 0; at < 2 * batch.count; at += 1) bounds[event + at] = batch.bounds[at]! + origin;
    origin += batch.bytes.length;
    event += 2 * batch.count;
  }
  return { bytes, count, bounds };
}
