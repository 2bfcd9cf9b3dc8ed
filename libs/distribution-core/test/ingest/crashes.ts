/** For tests of processes that die in the middle of an append: a broker in simulated time, and one process after the other on it. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { createMemoryBroker, createSimulatedRuntime } from "@distribution/testkit/simulation";
import type { Broker, PartitionWrite } from "../../src/brokers/contract.ts";
import type { PublishResult } from "../../src/ingest/index.ts";
import { idsIn, open, type SetupOptions, topic } from "./support.ts";

export const [HOME, COPY, THIRD] = ["md.home", "md.copy", "md.third"] as const;
const TOPICS = [HOME, COPY, THIRD].map((name) => topic(name));
export const to = (...names: string[]) => [{ name: "all", when: {}, to: names }];
const BOTH = to(HOME, COPY);
const never = new Promise<never>(() => undefined);

/** A broker, and one process after the other on it. */
export async function setUp(options: Partial<SetupOptions> & { readonly transactions?: boolean } = {}) {
  const { transactions = false, topics = TOPICS, routes = BOTH, ...more } = options;
  const runtime = createSimulatedRuntime(1);
  const broker = createMemoryBroker(runtime, { transactions });
  const done = async <T>(outcome: Promise<T>): Promise<T> => {
    outcome.catch(() => undefined);
    await runtime.run(10);
    return outcome;
  };
  const start = async (now: Partial<SetupOptions> = {}, faults: Partial<Broker> = {}) => {
    /** It is killed when this much of the next append is in the log. */
    let reached: ((write: PartitionWrite) => boolean) | undefined;
    const append = async (writes: readonly PartitionWrite[]) => {
      if (reached === undefined) return broker.append(writes);
      const stored = writes.filter(reached);
      if (stored.length > 0) await broker.append(stored);
      return never;
    };
    const service = await done(
      open({ runtime, topics, routes, ...more, ...now, broker: { ...broker, append, ...faults } }),
    );
    return {
      ...service,
      publish: (events: readonly Event[], name: string = HOME) => done(service.publish(events, name)),
      /** Dies when the append has come to these topics. */
      async dieAt(names: readonly string[], events: readonly Event[]) {
        reached = ({ topic: name }) => names.includes(name);
        void service.publish(events, HOME);
        await runtime.run(10);
      },
    };
  };
  const log = (...names: string[]) => Promise.all(names.map((name) => idsIn(broker, name)));
  return { runtime, broker, done, start, log };
}

export const placesOf = ({ positions }: PublishResult) => positions.map((at) => `${at.topic} ${at.offset}`);
