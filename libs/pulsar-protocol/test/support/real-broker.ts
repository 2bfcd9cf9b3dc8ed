/** A real Pulsar for a file of tests, and what of its REST API they need. */
import { type Pulsar, type PulsarOptions, startPulsar } from "@distribution/brokers";
import {
  type PulsarOptions as ClientOptions,
  connectPulsar,
  type Message,
  type PulsarClient,
  type Receiver,
} from "../../src/index.ts";

export interface RealBroker extends AsyncDisposable {
  readonly pulsar: Pulsar;
  client(options?: Partial<ClientOptions>): PulsarClient;
  /** Throws unless the answer is 2xx. */
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A topic's name that no other test has; with partitions, it is created and the name is the parent's. */
  topic(partitions?: number): Promise<string>;
}

let topics = 0;

export async function startBroker(options: PulsarOptions = {}): Promise<RealBroker> {
  const pulsar = await startPulsar(options);
  const clients: PulsarClient[] = [];
  const admin = async (method: string, path: string, body?: unknown, tries = 100): Promise<unknown> => {
    const response = await fetch(`${pulsar.direct.adminUrl}/admin/v2/${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(pulsar.token === undefined ? {} : { authorization: `Bearer ${pulsar.token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // On a slow machine Pulsar has lost sight of its own bookie at times, shortly after it was killed or held.
    if (text.includes("Not enough non-faulty bookies") && tries > 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return admin(method, path, body, tries - 1);
    }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  return {
    pulsar,
    admin,
    client(own = {}) {
      const client = connectPulsar({
        serviceUrl: pulsar.serviceUrl,
        backoff: { minMs: 10, maxMs: 500 },
        ...(pulsar.token === undefined ? {} : { token: pulsar.token }),
        ...(pulsar.certificates === undefined ? {} : { tls: { ca: pulsar.certificates.authority } }),
        ...own,
      });
      clients.push(client);
      return client;
    },
    async topic(partitions) {
      const name = `topic-${process.pid}-${++topics}`;
      if (partitions !== undefined) await admin("PUT", `persistent/public/default/${name}/partitions`, partitions);
      return `persistent://public/default/${name}`;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      await pulsar.remove();
    },
  };
}

/** The next `count` messages. */
export async function receiveAll(receiver: Receiver, count: number): Promise<Message[]> {
  const got: Message[] = [];
  while (got.length < count && !receiver.closed) {
    got.push(...(await receiver.receive({ maxMessages: count - got.length })));
  }
  return got;
}

/** The texts of the next `count` messages. */
export const texts = async (receiver: Receiver, count: number): Promise<string[]> =>
  (await receiveAll(receiver, count)).map(({ data }) => data.toString());

/** Polls until it is true: for what the broker does by itself and tells nobody. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `message-${from + i}`);
