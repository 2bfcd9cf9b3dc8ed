/** What is behind within one session: topics of higher priority first, and the others all the same. */
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { createScheduler, type Work } from "../../../src/qos/index.ts";
import { SessionTurns } from "../../../src/transport/session-turns.ts";
import { event, topic } from "../../tail/support.ts";
import { type Client, type Frame, openBench } from "./support.ts";

const ROUTINE = topic("test.routine", { partitions: 4, ringBytes: 16 * 1024 * 1024 });
const URGENT = topic("test.urgent", { priority: 9, ringBytes: 16 * 1024 * 1024 });

/** A frame each. */
const large = (id: string, key: string) =>
  event(`${id}:${key}`, { data: Buffer.from(JSON.stringify("x".repeat(70_000))) });
const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];
const routine = (count: number) => Array.from({ length: count }, (_, at) => large(`r${at}`, KEYS[at % KEYS.length]!));
const urgent = (count: number) => Array.from({ length: count }, (_, at) => large(`u${at}`, "a"));

const WAYS: readonly (readonly [string, readonly Frame[]])[] = [
  ["one subscription of all topics", [{ topics: ["test.>"] }]],
  ["a subscription for each topic", [{ topics: [ROUTINE.name] }, { topics: [URGENT.name] }]],
  ["at least once", [{ topics: ["test.>"], profile: { level: "at-least-once" } }]],
];

/** A client that has not read since its first event. */
async function openBehind(wishes: readonly Frame[], topics = [ROUTINE, URGENT]) {
  const bench = await openBench({ topics });
  const client = bench.connect();
  const calm = bench.connect();
  for (const wish of wishes) await client.subscribe(wish);
  await calm.subscribe({ topics: ["test.>"] });
  client.full = true;
  await bench.publish(ROUTINE.name, "first:a");
  await calm.received(1);
  return { bench, client };
}

/** Of each partition: ids in the order in which they came, and whether each frame followed the one before it. */
function expectLogOrder(client: Client): void {
  const upto = new Map<string, string>();
  for (const { topic: name, partition = 0, after, upto: to } of client.all("events")) {
    const place = `${name}/${partition}`;
    if (upto.has(place)) expect(after).toBe(upto.get(place));
    upto.set(place, to);
  }
}

describe.each(WAYS)("a session that is behind, with %s", (_, wishes) => {
  it("gets what is on a topic of higher priority before what waits on the others", async () => {
    const { bench, client } = await openBehind(wishes);
    await bench.publishEvents(ROUTINE.name, routine(40));
    await bench.publishEvents(URGENT.name, urgent(10));
    client.drain();
    const ids = await client.received(51);
    const before = ids.slice(1, ids.indexOf("u9"));
    expect(before.filter((id) => id.startsWith("r")).length).toBeLessThanOrEqual(2);
    expect(new Set(ids).size).toBe(51);
    expectLogOrder(client);
  });

  it("gets the others, too, however much of higher priority there is", async () => {
    const { bench, client } = await openBehind(wishes);
    await bench.publishEvents(ROUTINE.name, routine(8));
    await bench.publishEvents(URGENT.name, urgent(80));
    client.drain();
    const ids = (await client.received(89)).slice(1);
    for (let at = 0; at < 8; at += 1) {
      const turns = ids.slice(at * 8, at * 8 + 8);
      expect(turns.filter((id) => id.startsWith("r"))).toHaveLength(1);
    }
  });
});

it("topics without priorities have their turns alike", async () => {
  const { bench, client } = await openBehind([{ topics: ["test.>"] }], [ROUTINE, { ...URGENT, priority: 0 }]);
  await bench.publishEvents(ROUTINE.name, routine(40));
  await bench.publishEvents(URGENT.name, urgent(10));
  client.drain();
  const ids = await client.received(51);
  const before = ids.slice(1, ids.indexOf("u9"));
  expect(before.filter((id) => id.startsWith("r")).length).toBeGreaterThan(20);
});

describe("the turns of a session's subscriptions", () => {
  function open() {
    const runtime = createSimulatedRuntime(1);
    const turns = new SessionTurns(createScheduler(runtime), () => false, 9);
    const done: string[] = [];
    /** Its priority is as given each time it waits anew. */
    const work = (name: string, ...priorities: number[]): Work => {
      let at = 0;
      return {
        get priority() {
          return priorities[at] ?? 0;
        },
        step() {
          done.push(name);
          at += 1;
          return at < priorities.length;
        },
      };
    };
    return { runtime, turns, work, done };
  }

  it("are those of higher priority first, in turns among equals", async () => {
    const { runtime, turns, work, done } = open();
    turns.add(work("low", 0, 0));
    turns.add(work("a", 9, 9));
    turns.add(work("b", 9));
    turns.add(work("mid", 5));
    await runtime.run(10);
    expect(done).toEqual(["a", "b", "a", "mid", "low", "low"]);
  });

  it("follow what each has to do next", async () => {
    const { runtime, turns, work, done } = open();
    turns.add(work("rising", 0, 9));
    turns.add(work("falling", 9, 0));
    turns.add(work("mid", 5));
    await runtime.run(10);
    expect(done).toEqual(["falling", "mid", "rising", "rising", "falling"]);
  });

  it("keep the place in line of who says again that it waits", async () => {
    const { runtime, turns, work, done } = open();
    const first = work("first", 3);
    turns.add(first);
    turns.add(work("second", 3));
    turns.add(first);
    await runtime.run(10);
    expect(done).toEqual(["first", "second"]);
  });
});
