import { DistributionError } from "@distribution/core/errors";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, it } from "vitest";
import { createOutbox, type OutboxOptions } from "../src/domain/feeds/outbox.ts";
import { createFakeRuntime } from "./support/fake-runtime.ts";

const event = (id: string, bytes = 1): Event => Event.create({ id, data: Buffer.alloc(bytes) });
const outgoing = (topic: string, ...ids: string[]) => ids.map((id) => ({ topic, event: event(id) }));
const unavailable = (retryAfterMs?: number) =>
  new DistributionError("unavailable", "away", retryAfterMs === undefined ? {} : { retryAfterMs });

/** Publishes as `answer` says, and remembers what was durable and when. */
function outboxWith(
  answer: (topic: string, ids: readonly string[]) => void | Promise<void>,
  options: Partial<OutboxOptions> = {},
) {
  const runtime = createFakeRuntime({ auto: true });
  const durable: string[] = [];
  const attempts: { readonly ids: string; readonly at: number }[] = [];
  const refused: string[] = [];
  const outbox = createOutbox({
    runtime,
    async publish(topic, events) {
      const ids = events.map(({ id }) => id);
      attempts.push({ ids: ids.join(), at: runtime.now() });
      await answer(topic, ids);
      durable.push(...ids);
    },
    onRefused: (_topic, { id }) => refused.push(id),
    ...options,
  });
  return { outbox, durable, attempts, refused, runtime };
}

describe("an outbox", () => {
  it("publishes what comes in one turn as one batch, and what comes meanwhile as the next, in order", async () => {
    const first = Promise.withResolvers<void>();
    const { outbox, attempts } = outboxWith((_topic, ids) => (ids.includes("1") ? first.promise : undefined));
    outbox.push(outgoing("t", "1"));
    outbox.push(outgoing("t", "2"));
    await Promise.resolve();
    outbox.push(outgoing("t", "3"));
    outbox.push(outgoing("t", "4"));
    first.resolve();
    await outbox.drained();
    expect(attempts.map(({ ids }) => ids)).toEqual(["1,2", "3,4"]);
    expect(outbox.stats).toEqual({ queued: 0, published: 4, retries: 0, refused: 0, abandoned: 0 });
  });

  it("does not let one topic wait for another", async () => {
    const stuck = Promise.withResolvers<void>();
    const { outbox, durable } = outboxWith((topic) => (topic === "slow" ? stuck.promise : undefined));
    outbox.push([...outgoing("slow", "1"), ...outgoing("fast", "2")]);
    await new Promise(setImmediate);
    expect(durable).toEqual(["2"]);
    stuck.resolve();
    await outbox.drained();
  });

  it("retries what may help, with the same events first and waits that grow", async () => {
    let failures = 4;
    const { outbox, attempts, durable } = outboxWith(
      () => {
        failures -= 1;
        if (failures >= 0) throw unavailable();
      },
      { retryBaseMs: 100, retryMaxMs: 300 },
    );
    outbox.push(outgoing("t", "1", "2"));
    await outbox.drained();
    expect(attempts.every(({ ids }) => ids === "1,2")).toBe(true);
    // Randomness in the middle draws three quarters of 100, 200, 300 (the longest) and 300.
    expect(attempts.map(({ at }) => at)).toEqual([0, 75, 225, 450, 675]);
    expect(durable).toEqual(["1", "2"]);
    expect(outbox.stats.retries).toBe(4);
  });

  it("waits as long as the service asks for, and retries what it cannot tell", async () => {
    const failures: unknown[] = [unavailable(9000), new Error("socket hang up")];
    const { outbox, attempts } = outboxWith(() => {
      const failure = failures.shift();
      if (failure) throw failure;
    });
    outbox.push(outgoing("t", "1"));
    await outbox.drained();
    expect(attempts.map(({ at }) => at)).toEqual([0, 9000, 9075]);
  });

  it("loses only the event at fault when a batch is refused, and tells of it", async () => {
    const { outbox, durable, refused } = outboxWith((_topic, ids) => {
      if (ids.includes("bad")) throw new DistributionError("invalid_event", "bad");
    });
    outbox.push(outgoing("t", "1", "bad", "2"));
    await outbox.drained();
    expect([durable, refused]).toEqual([["1", "2"], ["bad"]]);
    expect(outbox.stats).toMatchObject({ published: 2, refused: 1, queued: 0 });
  });

  it("bounds a batch in events", async () => {
    const batchesOf = async (count: number) => {
      const { outbox, attempts } = outboxWith(() => {}, { maxBatchEvents: 3 });
      outbox.push(outgoing("t", ...Array.from({ length: count }, (_, index) => `${index}`)));
      await outbox.drained();
      return attempts.map(({ ids }) => ids.split(",").length);
    };
    expect([await batchesOf(2), await batchesOf(3), await batchesOf(4)]).toEqual([[2], [3], [3, 1]]);
  });

  it("bounds a batch in bytes, but for one event that is larger", async () => {
    const batchesOf = async (...sizes: number[]) => {
      const { outbox, attempts } = outboxWith(() => {}, { maxBatchBytes: 10 });
      outbox.push(sizes.map((size, index) => ({ topic: "t", event: event(`${index}`, size) })));
      await outbox.drained();
      return attempts.map(({ ids }) => ids.split(",").length);
    };
    expect([await batchesOf(5, 4), await batchesOf(5, 5), await batchesOf(5, 6), await batchesOf(11, 1)]).toEqual([
      [2],
      [2],
      [1, 1],
      [1, 1],
    ]);
  });

  it("is full at its bound and has room below", async () => {
    const held = Promise.withResolvers<void>();
    const { outbox } = outboxWith(() => held.promise, { maxQueuedEvents: 2 });
    outbox.push(outgoing("t", "1"));
    expect(outbox.isFull).toBe(false);
    outbox.push(outgoing("t", "2"));
    expect(outbox.isFull).toBe(true);
    const room = outbox.room();
    held.resolve();
    await room;
    expect(outbox.isFull).toBe(false);
  });
});

describe("closing an outbox", () => {
  it("still delivers what is queued", async () => {
    const { outbox, durable } = outboxWith(() => {});
    outbox.push(outgoing("t", "1", "2"));
    await outbox.close();
    expect(durable).toEqual(["1", "2"]);
  });

  it("ends a wait for a retry, tries once more and counts what it then gives up", async () => {
    const runtime = createFakeRuntime({ auto: false });
    const { outbox, attempts } = outboxWith(
      () => {
        throw unavailable();
      },
      { runtime, maxBatchEvents: 2 },
    );
    outbox.push(outgoing("t", "1", "2", "3"));
    await new Promise(setImmediate);
    expect(runtime.pendingTimers).toBe(1);
    await outbox.close();
    expect(runtime.pendingTimers).toBe(0);
    expect(attempts).toHaveLength(2);
    expect(outbox.stats).toEqual({ queued: 0, published: 0, retries: 1, refused: 0, abandoned: 3 });
  });

  it("gives up the rest of a refused batch when the service goes away meanwhile", async () => {
    const { outbox } = outboxWith((_topic, ids) => {
      if (ids.length > 1) throw new DistributionError("invalid_event", "bad");
      void outbox.close();
      throw unavailable();
    });
    outbox.push(outgoing("t", "1", "2"));
    await outbox.drained();
    expect(outbox.stats).toMatchObject({ abandoned: 2, queued: 0 });
  });
});
