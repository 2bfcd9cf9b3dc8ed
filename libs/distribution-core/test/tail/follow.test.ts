import { describe, expect, it, onTestFinished } from "vitest";
import { createMetrics } from "../../src/observability/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { createMatcher } from "../../src/subscriptions/matcher/index.ts";
import { createQueries, type FollowOptions, followLog, openTail } from "../../src/tail/index.ts";
import { createRecorder, holdReaders, idsPlaced, openEmbedded, openSimulated, put, topic, until } from "./support.ts";

const QUOTES = topic("test.quotes", { partitions: 2 });
const TRADES = topic("test.trades");
const TOPICS = [QUOTES, TRADES];

/** A log with two topics; its tail can be held back while the log moves on. */
async function openLog() {
  const broker = await openEmbedded();
  for (const each of TOPICS) await broker.admin.ensureTopic(each);
  const held = holdReaders(broker);
  const tail = await openTail({
    ...{ broker: held.broker, topics: TOPICS, runtime: systemRuntime },
    ...{ logger: createRecorder(), metrics: createMetrics() },
  });
  onTestFinished(() => {
    held.release();
    return tail.close();
  });
  const queries = createQueries({ broker, tail, createMatcher });
  const seen: string[] = [];
  return {
    broker,
    held,
    tail,
    seen,
    follow: (more: Partial<FollowOptions> = {}) =>
      followLog({
        ...{ broker, tail, queries, topics: [QUOTES.name], from: { at: "earliest" } },
        apply: (_, events) => void seen.push(...idsPlaced(events)),
        ...more,
      }),
  };
}

describe("following the log", () => {
  it("applies what is there before it resolves, then what comes", async () => {
    const log = await openLog();
    await put(log.broker, QUOTES.name, ["1", "2"]);
    await log.follow();
    expect(log.seen).toEqual(["1", "2"]);
    await put(log.broker, QUOTES.name, ["3"]);
    await until(() => log.seen.length === 3);
    await put(log.broker, QUOTES.name, ["4"], 1);
    await until(() => log.seen.length === 4);
    expect(log.seen).toEqual(["1", "2", "3", "4"]);
  });

  it("says of each event on which topic it came, and leaves other topics alone", async () => {
    const log = await openLog();
    const seen: string[] = [];
    await put(log.broker, TRADES.name, ["other"]);
    await log.follow({ apply: (name, events) => void seen.push(`${name} ${idsPlaced(events)}`) });
    await put(log.broker, TRADES.name, ["another"]);
    await put(log.broker, QUOTES.name, ["1"]);
    await until(() => seen.length === 1);
    expect(seen).toEqual(["test.quotes 1"]);
  });

  it("misses nothing and gives nothing twice when events come while history is read", async () => {
    const log = await openLog();
    const names = Array.from({ length: 60 }, (_, at) => String(at));
    let done = 0;
    const more = async (): Promise<void> => {
      while (done < names.length) {
        done += 1;
        await put(log.broker, QUOTES.name, [names[done - 1]!], done % 2);
      }
    };
    const putting = more();
    await until(() => done > 20);
    await log.follow();
    await putting;
    await until(() => log.seen.length >= names.length);
    expect([...log.seen].sort()).toEqual([...names].sort());
    for (const parity of [0, 1]) {
      const lane = log.seen.map(Number).filter((name) => name % 2 === parity);
      expect(lane).toEqual([...lane].sort((a, b) => a - b));
    }
  });

  it("gives nothing twice when the tail is behind what history had already read", async () => {
    const log = await openLog();
    log.held.hold();
    await put(log.broker, QUOTES.name, ["1", "2"]);
    await put(log.broker, QUOTES.name, ["3"]);
    await log.follow();
    expect(log.seen).toEqual(["1", "2", "3"]);
    log.held.release();
    await put(log.broker, QUOTES.name, ["4"]);
    await until(() => log.seen.includes("4"));
    expect(log.seen).toEqual(["1", "2", "3", "4"]);
  });

  it("begins where it is told to", async () => {
    const log = await openLog();
    await put(log.broker, QUOTES.name, ["1"]);
    await until(() => log.tail.partitions(QUOTES.name)[0]!.head.number === 1);
    await log.follow({ from: { at: "latest" } });
    await put(log.broker, QUOTES.name, ["2"]);
    await until(() => log.seen.length > 0);
    expect(log.seen).toEqual(["2"]);
  });

  it("tells when a topic's history is lost, so that its reader can start over", async () => {
    const { runtime, broker } = openSimulated();
    for (const each of TOPICS) await broker.admin.ensureTopic(each);
    const parts = { runtime, logger: createRecorder(), metrics: createMetrics() };
    const tail = await openTail({ broker, topics: TOPICS, ...parts });
    const queries = createQueries({ broker, tail, createMatcher });
    const lost: string[] = [];
    const options = { broker, tail, queries, topics: [QUOTES.name], from: { at: "earliest" } } as const;
    await followLog({ ...options, apply: () => undefined, onLost: (name) => void lost.push(name) });
    await followLog({ ...options, apply: () => undefined });
    broker.lose(TRADES.name, 0);
    broker.lose(QUOTES.name, 1);
    await runtime.run(500);
    expect(lost).toEqual([QUOTES.name]);
  });
});
