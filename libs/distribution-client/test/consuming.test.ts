import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Client, connect } from "../src/index.ts";
import { eventually, type Note, numbers, pause, range, take } from "./support/consuming.ts";
import { NOTES, startService, type TestService } from "./support/service.ts";

let service: TestService;
let client: Client;
let seen = 0;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service[Symbol.asyncDispose]());
beforeEach(() => {
  client = connect({ url: service.url });
});
afterEach(() => client.close());

async function publish(count: number): Promise<number> {
  const first = seen;
  seen += count;
  await service.publish(NOTES, first, count);
  return first;
}

const atLeastOnce = { level: "at-least-once" } as const;

describe("one consumer", () => {
  it("gives a handler batches, one at a time and in order", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    await subscription.ready;
    const got: number[] = [];
    let busy = 0;
    let most = 0;
    subscription.onEvents(async (events) => {
      busy += 1;
      most = Math.max(most, busy);
      await pause(5);
      got.push(...numbers(events));
      busy -= 1;
    });
    let first = seen;
    first = Math.min(first, await publish(20));
    for (let round = 0; round < 4; round += 1) await publish(5);
    await eventually(() => got.length).toBe(40);
    expect(got).toEqual(range(first, 40));
    expect(most).toBe(1);
  });

  it("refuses a second one", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    subscription.onEvents(() => undefined);
    expect(() => subscription.onEvents(() => undefined)).toThrow(expect.objectContaining({ code: "misuse" }));
    await expect(take(subscription, 1)).rejects.toMatchObject({ code: "misuse" });
  });

  it("ends its loop when the subscription is closed", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    await subscription.ready;
    const ended = take(subscription, 1);
    await subscription.close();
    await subscription.close();
    expect(await ended).toEqual([]);
    await expect(subscription.closed).resolves.toBeUndefined();
  });

  it("tells of a handler that fails, and goes on", async () => {
    const subscription = client.subscribe<Note>({ topics: NOTES });
    await subscription.ready;
    const errors: unknown[] = [];
    subscription.on("error", (error) => errors.push(error));
    const got: number[] = [];
    subscription.onEvents((events) => {
      got.push(...numbers(events));
      if (got.length === 1) throw new Error("no");
    });
    await publish(1);
    await eventually(() => errors).toMatchObject([{ message: expect.stringContaining("no") }]);
    await publish(1);
    await eventually(() => got.length).toBe(2);
  });
});

describe("at least once", () => {
  it("acknowledges what a loop is done with, so that a named subscription goes on after it", async () => {
    const options = { topics: NOTES, name: "loop", profile: atLeastOnce } as const;
    const subscription = client.subscribe<Note>(options);
    await subscription.ready;
    const first = await publish(5);
    expect(numbers(await take(subscription, 3))).toEqual(range(first, 3));
    await subscription.close();
    await using next = client.subscribe<Note>(options);
    expect(numbers(await take(next, 2))).toEqual(range(first + 3, 2));
  });

  it("gives an event back that a loop leaves in its hands", async () => {
    await using subscription = client.subscribe<Note>({ topics: NOTES, profile: atLeastOnce });
    await subscription.ready;
    const first = await publish(1);
    for await (const event of subscription) {
      expect(event.attempt).toBe(1);
      break;
    }
    const [again] = await take(subscription, 1);
    expect(again).toMatchObject({ attempt: 2, data: { n: first } });
  });

  it("delivers again what is refused, after the delay that the consumer asks for", async () => {
    await using subscription = client.subscribe<Note>({ topics: NOTES, ack: "manual", profile: atLeastOnce });
    await subscription.ready;
    const first = await publish(2);
    const got: [number, number][] = [];
    const began = performance.now();
    for await (const event of subscription) {
      got.push([event.data.n, event.attempt]);
      if (event.data.n === first && event.attempt === 1) event.nack(150);
      else subscription.ack(event);
      if (got.length === 3) break;
    }
    expect(got).toEqual([
      [first, 1],
      [first + 1, 1],
      [first, 2],
    ]);
    expect(performance.now() - began).toBeGreaterThan(140);
    expect(subscription.positions()).toEqual([expect.objectContaining({ topic: NOTES })]);
  });

  it("gives a failed handler its events again", async () => {
    await using subscription = client.subscribe<Note>({ topics: NOTES, profile: atLeastOnce, nackDelayMs: 10 });
    await subscription.ready;
    subscription.on("error", () => undefined);
    const attempts: number[] = [];
    subscription.onEvents((events) => {
      attempts.push(...events.map(({ attempt }) => attempt));
      if (attempts.length < 3) throw new Error("not yet");
    });
    await publish(1);
    await eventually(() => attempts).toEqual([1, 2, 3]);
    const { delivered } = await subscription.ledger();
    expect(delivered).toBe(1n);
  });

  it("delivers again what is not answered in time, but not while it waits here", async () => {
    await using subscription = client.subscribe<Note>({
      topics: NOTES,
      ack: "manual",
      profile: { ...atLeastOnce, ackTimeoutMs: 100 },
    });
    await subscription.ready;
    const first = await publish(1);
    await eventually(() => subscription.buffered).toBe(1);
    await pause(250);
    expect(subscription.buffered).toBe(1);
    const got: number[] = [];
    for await (const event of subscription) {
      got.push(event.data.n);
      if (got.length < 2) continue;
      event.ack();
      // A second time: without effect.
      event.ack();
      break;
    }
    expect(got).toEqual([first, first]);
  });

  it("sends no more than the window holds until some are acknowledged", async () => {
    await using subscription = client.subscribe<Note>({
      topics: NOTES,
      ack: "manual",
      profile: { ...atLeastOnce, window: 10 },
    });
    await subscription.ready;
    const first = await publish(25);
    const got = await take(subscription, 10);
    await pause(50);
    // `take` acknowledged the last one.
    expect(subscription.buffered).toBe(1);
    subscription.ack(got);
    expect(numbers(await take(subscription, 10))).toEqual(range(first + 10, 10));
  });
});

describe("back-pressure", () => {
  it.each([9, 10, 11])("holds the service back at the bound of 10 events when %i come", async (count) => {
    const subscription = client.subscribe<Note>({ topics: NOTES, buffer: { events: 10 } });
    await subscription.ready;
    // The credit has to be there first.
    await subscription.ledger();
    const first = await publish(count);
    await pause(60);
    expect(subscription.buffered).toBe(Math.min(count, 10));
    const more = await publish(30);
    await pause(30);
    expect(subscription.buffered).toBeLessThanOrEqual(10);
    expect(numbers(await take(subscription, count))).toEqual(range(first, count));
    expect(numbers(await take(subscription, 30))).toEqual(range(more, 30));
    await subscription.close();
  });

  it("asks for no more events than fit in bytes, judged by those that came", async () => {
    const subscription = client.subscribe<{ text: string }>({ topics: NOTES, buffer: { bytes: 40_000 } });
    await subscription.ready;
    await subscription.ledger();
    const send = (count: number) =>
      client.publish(
        NOTES,
        range(0, count).map((n) => ({ source: "/me", type: "big.v1", data: { n, text: "x".repeat(10_000) } })),
      );
    // The first events show how large they are.
    for (let round = 0; round < 16; round += 1) {
      await send(1);
      await take(subscription, 1);
    }
    await send(30);
    await pause(60);
    expect(subscription.buffered).toBeGreaterThan(0);
    expect(subscription.buffered).toBeLessThanOrEqual(4);
    expect((await take(subscription, 30)).map(({ data }) => data.text.length)).toEqual(Array(30).fill(10_000));
    await subscription.close();
  });

  it("names a bound that is none", () => {
    expect(() => client.subscribe({ topics: NOTES, buffer: { events: 0 } })).toThrow(/buffer\.events/);
    expect(() => client.subscribe({ topics: NOTES, buffer: { bytes: 1.5 } })).toThrow(/buffer\.bytes/);
  });
});
