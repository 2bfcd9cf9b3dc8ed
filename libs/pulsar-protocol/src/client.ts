/** The client: owns the connections, and what was opened through it. */
import { locate, partitionsOf } from "./connection/lookup.ts";
import { createPool } from "./connection/pool.ts";
import type { PulsarClient, PulsarOptions } from "./contract.ts";
import { PulsarError } from "./errors.ts";
import type { Internals } from "./internals.ts";
import { clientSettings, fullTopicName, partitionOf } from "./options.ts";
import { createProducer } from "./producer/producer.ts";
import { createConsumer } from "./receive/consumer.ts";
import { createReader } from "./receive/reader.ts";

/** Connects when something is asked of it. Throws `invalid_argument`. */
export function connectPulsar(options: PulsarOptions): PulsarClient {
  const settings = clientSettings(options);
  const pool = createPool(settings);
  const owned = new Set<{ abort(error: PulsarError): void }>();
  let lastId = 0;
  let closed = false;

  const internals: Internals = {
    settings,
    pool,
    nextId: () => ++lastId,
    find: (topic) => locate(pool, settings, topic),
    openReader: (readerOptions) => own(() => createReader(internals, readerOptions)),
  };

  async function own<T extends { abort(error: PulsarError): void; close(): Promise<void> }>(
    create: () => Promise<T>,
  ): Promise<T> {
    if (closed) throw closedError();
    const part = await create();
    if (closed) {
      part.abort(closedError());
      throw closedError();
    }
    owned.add(part);
    const close = part.close.bind(part);
    // Until then it has something to do, which the client's own end ends.
    part.close = () => close().finally(() => owned.delete(part));
    const abort = part.abort.bind(part);
    part.abort = (error) => {
      owned.delete(part);
      abort(error);
    };
    return part;
  }

  async function refuseParent(topic: string): Promise<void> {
    const full = fullTopicName(topic);
    if (partitionOf(full) >= 0) return;
    const partitions = await retrying(() => partitionsOf(pool, full)).catch((error: unknown) => {
      // It may be created by whoever asks for it.
      if (error instanceof PulsarError && error.code === "topic_not_found") return 0;
      throw error;
    });
    if (partitions > 0) {
      const last = `${full}-partition-${partitions - 1}`;
      throw new PulsarError(
        "partitioned_topic",
        `${full} has ${partitions} partitions: use one of them, up to ${last}.`,
      );
    }
  }

  /** Until it works or fails for good, or the time for operations is over. */
  async function retrying<T>(act: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + settings.operationTimeoutMs;
    for (;;) {
      try {
        return await within(act(), deadline);
      } catch (error) {
        const again = error instanceof PulsarError && error.retriable && pool.waitedFor(error) && Date.now() < deadline;
        if (!again) throw error;
      }
    }
  }

  const client: PulsarClient = {
    async ready() {
      return (await pool.service()).connection.info;
    },
    async partitions(topic) {
      const full = fullTopicName(topic);
      return retrying(() => partitionsOf(pool, full));
    },
    async createProducer(producerOptions) {
      await refuseParent(producerOptions.topic);
      return own(() => createProducer(internals, producerOptions));
    },
    async subscribe(consumerOptions) {
      await refuseParent(consumerOptions.topic);
      return own(() => createConsumer(internals, consumerOptions));
    },
    async createReader(readerOptions) {
      await refuseParent(readerOptions.topic);
      return internals.openReader(readerOptions);
    },
    async lastMessageId(topic) {
      await refuseParent(topic);
      const reader = await internals.openReader({ topic, from: { at: "latest" } });
      const id = reader.position;
      await reader.close();
      return id;
    },
    async close() {
      if (closed) return;
      closed = true;
      const error = closedError();
      for (const part of owned) part.abort(error);
      owned.clear();
      pool.close();
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
  return client;
}

const closedError = (): PulsarError => new PulsarError("closed", "The client was closed.");

/** Rejects with `unavailable` when the deadline passes first. */
async function within<T>(result: Promise<T>, deadline: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new PulsarError("unavailable", "The broker could not be reached in time.")),
    Math.max(0, deadline - Date.now()),
  );
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
