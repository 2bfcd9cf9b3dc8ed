/** What one session may take of the service: copies of an interest, and of a turn of the event loop. */
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { createScheduler, type Work } from "../../../src/qos/index.ts";
import { SessionTurns } from "../../../src/transport/session-turns.ts";
import { type Client, type Frame, OTHER, openBench } from "./support.ts";

const WISH = { topics: [OTHER.name] };
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

/** Every first delivery follows the one before it on its channel. */
function expectUnbrokenChains(client: Client): void {
  const upto = new Map(client.all("subscribed").map(({ channel, positions: [at] }) => [channel, at.offset]));
  for (const frame of client.all("events")) {
    expect(frame.after).toBe(upto.get(frame.channel));
    upto.set(frame.channel, frame.upto);
  }
}

describe("subscriptions of one session that want the very same", () => {
  async function open() {
    const bench = await openBench({ limits: { maxCopies: 2 } });
    const client = bench.connect();
    await client.subscribe(WISH);
    const last = await client.subscribe(WISH);
    return { bench, client, last };
  }

  it("are taken up to the limit, and the next one is refused", async () => {
    const { client } = await open();
    const { error } = await client.request({ subscribe: { ...WISH, name: "desk" } });
    expect(error).toMatchObject({ code: "limit_exceeded", errors: [{ path: "subscribe" }] });
    expect(error.message).toMatch(/has 2 subscriptions .* the most .* another session/);
    // What was refused leaves its name free.
    await client.subscribe({ ...WISH, keys: ["a"], name: "desk" });
  });

  it("have room again when one of them ends, and do not count for another session", async () => {
    const { bench, client, last } = await open();
    await bench.connect().subscribe(WISH);
    await client.request({ unsubscribe: { subscription: last.subscription } });
    await client.subscribe(WISH);
    expect(await client.refusal({ subscribe: WISH })).toEqual(["limit_exceeded", "subscribe"]);
  });

  it("are not made by an update either, which is refused and changes nothing", async () => {
    const { bench, client } = await open();
    const { subscription, channel } = await client.subscribe({ ...WISH, filter: 'key == "a"' });
    expect(await client.refusal({ update: { subscription, filter: "" } })).toEqual(["limit_exceeded", "update"]);
    await bench.publish(OTHER.name, "1:a", "2:b");
    await client.received(5);
    expect(client.ids(channel)).toEqual(["1"]);
  });

  it("may be updated to what they want already", async () => {
    const { client, last } = await open();
    const { updated } = await client.request({ update: { subscription: last.subscription, filter: "" } });
    expect(updated.channel).toBe(last.channel);
  });
});

describe("a session that has had its share of a turn", () => {
  const SHARE = { maxTurnBytes: 8_000, maxCopies: 100 };

  async function open(more: Frame = {}, limits: Frame = SHARE) {
    const bench = await openBench({ limits });
    const heavy = bench.connect();
    const calm = bench.connect();
    for (let count = 0; count < 50; count += 1) await heavy.subscribe({ ...WISH, ...more });
    await calm.subscribe(WISH);
    heavy.writtenBytes.length = 0;
    return { bench, heavy, calm };
  }

  it.each([
    ["bytes", SHARE],
    ["events", { maxTurnEvents: 200, maxCopies: 100 }],
  ])("of %s lets the others have theirs before it goes on, and never holds much", async (_, limits) => {
    const { bench, heavy, calm } = await open({}, limits);
    let heavyHad = 0;
    const write = calm.write.bind(calm);
    calm.write = (frames) => {
      heavyHad = heavy.ids().length;
      return write(frames);
    };
    await bench.publish(OTHER.name, ...ids(100));
    await calm.received(100);
    expect(heavyHad).toBeLessThan(500);
    expect(await heavy.received(5_000)).toHaveLength(5_000);
    // One frame may go over the share; 200 events are two frames.
    const longest = Math.max(...heavy.all("events").map((frame) => JSON.stringify({ events: frame }).length));
    expect(Math.max(...heavy.writtenBytes)).toBeLessThan(limits === SHARE ? SHARE.maxTurnBytes + longest : 3 * longest);
    expect(heavy.writes.length).toBeGreaterThan(15);
  });

  it("loses nothing, and its books balance", async () => {
    const { bench, heavy } = await open();
    for (let round = 0; round < 3; round += 1) {
      await bench.publish(OTHER.name, ...ids(40).map((id) => `${round}-${id}`));
    }
    await heavy.received(50 * 120);
    expectUnbrokenChains(heavy);
    const expected = [0, 1, 2].flatMap((round) => ids(40).map((id) => `${round}-${id}`));
    for (const { channel, subscription } of heavy.all("subscribed")) {
      expect(heavy.ids(channel)).toEqual(expected);
      expect(await heavy.ledger(subscription)).toMatchObject({ published: "120", delivered: "120" });
    }
    // Live again: one frame each, of the class.
    const frames = heavy.all("events").length;
    await bench.pass(100);
    await bench.publish(OTHER.name, "last");
    await heavy.received(50 * 121);
    expect(heavy.all("events")).toHaveLength(frames + 50);
  });

  it.each(["drop", "close"])("is no slow client: policy %s does not apply to it", async (slow) => {
    const { bench, heavy } = await open({ profile: { slow } });
    await bench.publish(OTHER.name, ...ids(100));
    await heavy.received(5_000);
    expect([heavy.all("gap"), heavy.closes]).toEqual([[], []]);
    expectUnbrokenChains(heavy);
  });

  it("is one when its socket is full then", async () => {
    const { bench, heavy, calm } = await open({ profile: { slow: "close" } });
    heavy.full = true;
    await bench.publish(OTHER.name, ...ids(100));
    await bench.until(() => heavy.closes.length > 0);
    expect(heavy.closes.map(({ code }) => code)).toEqual([3008]);
    await calm.received(100);
  });

  it("gets its answers all the same", async () => {
    const { bench, heavy } = await open({}, { maxTurnBytes: 1, maxCopies: 100 });
    await bench.publish(OTHER.name, "1");
    expect(await heavy.request({ ping: {} })).toHaveProperty("pong");
    await heavy.received(50);
  });
});

describe("the turns of sessions", () => {
  function open() {
    const runtime = createSimulatedRuntime(1);
    const scheduler = createScheduler(runtime);
    const done: string[] = [];
    const work = (name: string, steps: number): Work => {
      let left = steps;
      return {
        step() {
          done.push(name);
          left -= 1;
          return left > 0;
        },
      };
    };
    return { runtime, scheduler, work, done };
  }

  it("go round the sessions, not their subscriptions, and each session's round its subscriptions", async () => {
    const { runtime, scheduler, work, done } = open();
    const heavy = new SessionTurns(scheduler, () => false);
    const calm = new SessionTurns(scheduler, () => false);
    for (const name of ["h1", "h2", "h3"]) heavy.add(work(name, 2));
    calm.add(work("c", 3));
    await runtime.run(10);
    expect(done).toEqual(["h1", "c", "h2", "c", "h3", "c", "h1", "h2", "h3"]);
    expect([heavy.waiting, calm.waiting, scheduler.waiting]).toEqual([0, 0, 0]);
  });

  it("wait, and take nothing from the others, while the session has had its share", async () => {
    const { runtime, scheduler, work, done } = open();
    let spent = true;
    const turns = new SessionTurns(scheduler, () => spent);
    turns.add(work("a", 2));
    await runtime.run(10);
    expect([done, turns.waiting, scheduler.waiting]).toEqual([[], 1, 0]);
    spent = false;
    turns.goOn();
    await runtime.run(10);
    expect(done).toEqual(["a", "a"]);
  });
});
