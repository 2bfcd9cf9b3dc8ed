/**
 * A Pulsar in memory, for what a real one cannot be brought to do when a test wants it: as much of its admin API, over HTTP, as
 * the adapter uses, and a client of it. That it is like the real one is what the installed tests are for.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PortError, type PulsarPort } from "../../src/port.ts";
import { FakeLog } from "./log.ts";
import { createFakePort } from "./port.ts";

interface FakeTopic {
  properties: Record<string, string>;
  readonly logs: FakeLog[];
  readonly policies: Map<string, unknown>;
}

/** Answers a request before the rest does: a status and a body, or nothing. */
export type Intercept = (method: string, path: string) => { status: number; body?: unknown } | undefined;

export class FakePulsar {
  readonly topics = new Map<string, FakeTopic>();
  readonly requests: string[] = [];
  intercept: Intercept = () => undefined;
  autoTopicCreation: unknown;
  hasNamespace = true;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<FakePulsar> {
    const fake = new FakePulsar();
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  port(): PulsarPort {
    return createFakePort(this);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** By its address, `persistent://public/default/<topic>-partition-<n>`. Throws as a client does. */
  log(url: string): FakeLog {
    const [, name, partition] = /^persistent:\/\/public\/default\/(.*)-partition-(\d+)$/.exec(url) ?? [];
    const log = this.topics.get(name ?? "")?.logs[Number(partition)];
    if (log === undefined) throw new PortError("unknown_topic", `${url} does not exist`);
    return log;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { method = "GET" } = request;
    const path = (request.url ?? "").replace("/admin/v2", "");
    this.requests.push(`${method} ${path}`);
    const { status, body } = this.intercept(method, path) ??
      this.#serve(method, path.split("?")[0]!, text === "" ? undefined : JSON.parse(text)) ?? {
        ...{ status: 404, body: { reason: "Not found" } },
      };
    response.writeHead(status, { "content-type": "application/json" });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  }

  #serve(method: string, path: string, body: unknown): { status: number; body?: unknown } | undefined {
    if (path === "/namespaces/public/default") {
      if (method === "GET" && !this.hasNamespace) return undefined;
      this.hasNamespace = true;
      return method === "GET" ? { status: 200, body: {} } : { status: 204 };
    }
    if (path === "/namespaces/public/default/autoTopicCreation") {
      if (method === "GET") return { status: 200, body: this.autoTopicCreation };
      this.autoTopicCreation = body;
      return { status: 204 };
    }
    if (path === "/persistent/public/default/partitioned") {
      return { status: 200, body: [...this.topics.keys()].map((name) => `persistent://public/default/${name}`) };
    }
    const [, topic = "", partition, rest = ""] =
      /^\/persistent\/public\/default\/([^/]*?)(?:-partition-(\d+))?(?:\/(.*))?$/.exec(path) ?? [];
    if (partition !== undefined) return this.#servePartition(method, topic, Number(partition), rest, body);
    return this.#serveTopic(method, topic, rest, body);
  }

  #serveTopic(
    method: string,
    name: string,
    what: string,
    body: unknown,
  ): { status: number; body?: unknown } | undefined {
    const topic = this.topics.get(name);
    if (what === "partitions" && method === "PUT") return this.#create(name, body as { partitions: number });
    if (topic === undefined) return undefined;
    if (what === "partitions") {
      if (method === "GET") {
        return { status: 200, body: { partitions: topic.logs.length, properties: topic.properties } };
      }
      if (method === "DELETE") {
        this.topics.delete(name);
        for (const log of topic.logs) log.delete();
        return { status: 204 };
      }
      while (topic.logs.length < (body as number)) topic.logs.push(new FakeLog());
      return { status: 204 };
    }
    if (what === "properties") {
      topic.properties = { ...topic.properties, ...(body as Record<string, string>) };
      return { status: 204 };
    }
    if (what === "partitioned-internalStats") {
      const stats = topic.logs.map((log) => log.stats(topic.policies.get("deduplicationEnabled") === true));
      return { status: 200, body: { partitions: Object.fromEntries(stats.entries()) } };
    }
    if (what === "trim") return { status: 200 };
    if (method === "GET") return { status: 200, body: topic.policies.get(what) };
    if (method === "DELETE") topic.policies.delete(what);
    else topic.policies.set(what, body);
    return { status: 204 };
  }

  #create(name: string, { partitions, properties = {} }: { partitions: number; properties?: Record<string, string> }) {
    if (this.topics.has(name)) return { status: 409, body: { reason: "This topic already exists" } };
    const logs = Array.from({ length: partitions }, () => new FakeLog());
    this.topics.set(name, { properties, logs, policies: new Map() });
    return { status: 204 };
  }

  #servePartition(method: string, name: string, partition: number, what: string, body: unknown) {
    const topic = this.topics.get(name);
    const log = topic?.logs[partition];
    if (topic === undefined || log === undefined) return undefined;
    if (what === "internalStats") {
      return { status: 200, body: log.stats(topic.policies.get("deduplicationEnabled") === true) };
    }
    if (what === "lastMessageId") {
      const { id, entries } = log.ledgers.at(-1)!;
      return { status: 200, body: { ledgerId: String(id), entryId: String(entries.length - 1) } };
    }
    if (what === "internal-info") return { status: 200, body: { creationDate: log.created } };
    const time = /^messageid\/(\d+)$/.exec(what)?.[1];
    if (time !== undefined) {
      const { ledger, entry } = log.firstAt(BigInt(time));
      return { status: 200, body: { ledgerId: Number(ledger), entryId: Number(entry) } };
    }
    if (what === "compaction") return method === "GET" ? { status: 200, body: { status: "SUCCESS" } } : { status: 204 };
    if (what === "stats") {
      const subscriptions = [...log.subscriptions].map(([group, { consumers }]) => [
        group,
        {
          consumers: consumers.map((consumer) => ({ consumerName: consumer.name })),
          activeConsumerName: consumers[0]?.name,
        },
      ]);
      return { status: 200, body: { subscriptions: Object.fromEntries(subscriptions) } };
    }
    const subscription = log.subscriptions.get(
      decodeURIComponent(/^subscription\/(.*)\/properties$/.exec(what)?.[1] ?? ""),
    );
    if (subscription === undefined) return undefined;
    if (method === "PUT") subscription.properties = body as Record<string, string>;
    return { status: method === "PUT" ? 204 : 200, body: method === "PUT" ? undefined : subscription.properties };
  }
}
