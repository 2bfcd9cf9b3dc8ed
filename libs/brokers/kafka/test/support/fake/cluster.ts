/**
 * A Kafka cluster in this process, as far as our broker asks, behind real sockets: for machines without Java, and for what a
 * real cluster cannot be told to do. What it does is held against the real one by the conformance laws, which run on both.
 */
import { FakeGroup } from "./group.ts";
import { FakeNode } from "./node.ts";
import type { FakeTopic } from "./topic.ts";

interface Script {
  readonly key: number;
  /** Which partition or topic; undefined: any. */
  readonly place: string | undefined;
  readonly code: number;
  after: number;
  times: number;
}

interface Loss {
  readonly key: number;
  readonly what: "request" | "answer";
  times: number;
}

export class FakeCluster {
  readonly topics = new Map<string, FakeTopic>();
  readonly nodes: FakeNode[] = [];
  /** Connections taken and requests heard so far. */
  connections = 0;
  readonly asked: number[] = [];
  producers = 0n;
  readonly #groups = new Map<string, FakeGroup>();
  readonly #scripts: Script[] = [];
  readonly #losses: Loss[] = [];
  readonly #waits = new Set<() => void>();

  get brokers(): string[] {
    return this.nodes.map(({ port }) => `127.0.0.1:${port}`);
  }

  group(name: string): FakeGroup {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new FakeGroup();
      this.#groups.set(name, group);
    }
    return group;
  }

  leaderFor(partition: number): number {
    return partition % this.nodes.length;
  }

  /** The next answers of this kind say this code, from the one after `after` of them on. */
  say(key: number, code: number, options: { place?: string; after?: number; times?: number } = {}): void {
    this.#scripts.push({ key, code, place: options.place, after: options.after ?? 0, times: options.times ?? 1 });
  }

  /** The next requests of this kind are not heard, or carried out without an answer; their connections are reset. */
  lose(key: number, what: "request" | "answer", times = 1): void {
    this.#losses.push({ key, what, times });
  }

  /** Ends what `say` and `lose` have begun. */
  clear(): void {
    this.#scripts.length = 0;
    this.#losses.length = 0;
  }

  scripted(key: number, place: string): number | undefined {
    const script = this.#scripts.find((one) => one.key === key && one.times > 0 && (one.place ?? place) === place);
    if (script === undefined) return undefined;
    if (script.after > 0) {
      script.after -= 1;
      return undefined;
    }
    script.times -= 1;
    return script.code;
  }

  loses(key: number): "request" | "answer" | undefined {
    const loss = this.#losses.find((one) => one.key === key && one.times > 0);
    if (loss !== undefined) loss.times -= 1;
    return loss?.what;
  }

  moveLeader(topic: string, partition: number, node: number): void {
    const log = this.topics.get(topic)!.logs[partition]!;
    log.leader = node;
    log.leaderEpoch += 1;
    this.wake();
  }

  /** Resolves when something was appended anywhere, or after this time. */
  changed(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const offs = [...this.topics.values()].flatMap(({ logs }) => logs.map((log) => log.wait(() => done())));
      const done = (): void => {
        clearTimeout(timer);
        this.#waits.delete(done);
        for (const off of offs) off();
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waits.add(done);
    });
  }

  wake(): void {
    for (const done of [...this.#waits]) done();
  }

  stop(): void {
    for (const node of this.nodes) node.stop();
  }
}

export async function startFakeCluster(nodes = 1): Promise<FakeCluster> {
  const cluster = new FakeCluster();
  for (let id = 0; id < nodes; id += 1) {
    const node = new FakeNode(id, cluster);
    cluster.nodes.push(node);
    await node.start();
  }
  return cluster;
}
