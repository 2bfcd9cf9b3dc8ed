/** A publisher as upstreams are to be: one batch after the other, and a batch without an answer again, with the same ids. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { History } from "@distribution/testkit/history";
import { type Published, publishEvents, publishJsonBatch, Refused } from "./rest.ts";
import type { Ports } from "./service.ts";
import { grpcClient } from "./stream/grpc.ts";
import { TRADES, type TradeFields, tradeCloudEvent, tradeEvent } from "./trades.ts";

type Send = (ports: Ports, batch: readonly TradeFields[]) => Promise<Published>;

export const viaProtobuf: Send = (ports, batch) => publishEvents(ports, TRADES, batch.map(tradeEvent));

export const viaJson: Send = (ports, batch) => publishJsonBatch(ports, TRADES, batch.map(tradeCloudEvent));

export const viaGrpc: Send = async (ports, batch) => publishOverGrpc(ports, TRADES, batch.map(tradeEvent));

/** Rejects with grpc-js's ServiceError. */
export async function publishOverGrpc(ports: Ports, topic: string, events: readonly Event[]): Promise<Published> {
  const client = grpcClient(ports);
  try {
    return await new Promise<Published>((resolve, reject) => {
      client.publish({ topic, batch: { events: [...events] } }, (failure, answer) => {
        if (failure) reject(failure);
        else resolve({ positions: [], duplicates: 0, ...answer.published });
      });
    });
  } finally {
    client.close();
  }
}

const BATCH_EVENTS = 20;
const KEYS = 3;

export class Publisher {
  readonly name: string;
  readonly #send: Send;
  readonly #history: History;
  #last = 0;
  #running = false;
  #loop: Promise<void> = Promise.resolve();
  /** Offered, and no answer came: it may have been taken or not. */
  #unanswered: readonly TradeFields[] | undefined;
  /** Batches answered. */
  acknowledged = 0;
  /** Answers to repeated batches: how many events of how many were known. */
  readonly repeats: (readonly [number, number])[] = [];

  constructor(name: string, send: Send, history: History) {
    this.name = name;
    this.#send = send;
    this.#history = history;
  }

  /** Publishes without a pause until `stop` or the first batch that gets no answer. */
  run(ports: Ports): void {
    this.#running = true;
    this.#loop = this.#publishEvents(ports);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  /** Offers what was not answered once more, then one batch more. Ids of the latter. */
  async finish(ports: Ports): Promise<string[]> {
    await this.#repeat(ports);
    const batch = this.#next();
    await this.#offer(ports, batch);
    return batch.map(({ id }) => id);
  }

  async #publishEvents(ports: Ports): Promise<void> {
    try {
      await this.#repeat(ports);
      while (this.#running) await this.#offer(ports, this.#next());
    } catch (failure) {
      // A refusal that is not about the service's state is a defect of the test or of the service.
      if (failure instanceof Refused && failure.status < 500) throw failure;
    }
  }

  async #repeat(ports: Ports): Promise<void> {
    const batch = this.#unanswered;
    if (batch === undefined) return;
    const { duplicates } = await this.#offer(ports, batch);
    this.repeats.push([duplicates, batch.length]);
  }

  #next(): readonly TradeFields[] {
    const batch = Array.from({ length: BATCH_EVENTS }, () => {
      this.#last += 1;
      return { id: `${this.name}-${this.#last}`, symbol: `${this.name}-${this.#last % KEYS}` };
    });
    for (const { id, symbol } of batch) this.#history.publish(id, symbol, `${this.name}-${this.#last}`);
    return batch;
  }

  async #offer(ports: Ports, batch: readonly TradeFields[]): Promise<Published> {
    this.#unanswered = batch;
    const answer = await this.#send(ports, batch);
    this.#unanswered = undefined;
    this.acknowledged += 1;
    for (const { id } of batch) this.#history.settle(id, "acknowledged");
    return answer;
  }
}

/** One publisher a way in. */
export function createPublishers(history: History): Publisher[] {
  return [
    new Publisher("PROTO", viaProtobuf, history),
    new Publisher("JSON", viaJson, history),
    new Publisher("GRPC", viaGrpc, history),
  ];
}
