import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { createWindow } from "../../src/qos/window.ts";
import type { Lane } from "../../src/subscriptions/index.ts";

const lane = (index: number): Lane => ({ index }) as Lane;
const [FIRST, SECOND] = [lane(0), lane(1)];

function open(size = 3) {
  const runtime = createSimulatedRuntime(1);
  const again: string[] = [];
  const window = createWindow({
    ...{ size, ackTimeoutMs: 1_000, runtime },
    compareOffsets: (a, b) => Number(a) - Number(b),
    redeliver: ({ lane: { index }, offset, attempt }) =>
      void again.push(`${index}/${offset} ${attempt} @${runtime.now}`),
  });
  const send = (number: number, of = FIRST) =>
    window.sent({ lane: of, number, epoch: "e", offset: String(number), before: String(number - 1) });
  return { runtime, window, again, send };
}

describe("a window", () => {
  it("has room for its size less what is out, and room again as events are acknowledged", () => {
    const { window, send } = open();
    for (const number of [1, 2, 3]) send(number);
    expect([window.room, window.outstanding]).toEqual([0, 3]);
    expect(window.ack(FIRST, "e", "2")).toBe(true);
    expect(window.room).toBe(1);
  });

  it("settles an event once", () => {
    const { window, send } = open();
    send(1);
    expect([window.ack(FIRST, "e", "1"), window.ack(FIRST, "e", "1"), window.ack(FIRST, "e", "9")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("knows nothing of an event of the same offset in another epoch", () => {
    const { window, send } = open();
    send(1);
    expect([window.ack(FIRST, "f", "1"), window.nack(FIRST, "f", "1", 0), window.ackUpto(FIRST, "f", "9")]).toEqual([
      false,
      false,
      0,
    ]);
    expect(window.outstanding).toBe(1);
  });

  it("keeps events of equal offsets on different partitions apart", () => {
    const { window, send } = open();
    send(1, FIRST);
    send(1, SECOND);
    window.ack(FIRST, "e", "1");
    expect([window.oldest(FIRST), window.oldest(SECOND)?.offset]).toEqual([undefined, "1"]);
  });

  it.each([
    ["0", 0],
    ["1", 1],
    ["2", 2],
    ["99", 3],
  ])("settles everything of a partition up to %s: %d", (offset, settled) => {
    const { window, send } = open(10);
    for (const number of [1, 2, 3]) send(number);
    send(1, SECOND);
    expect(window.ackUpto(FIRST, "e", offset)).toBe(settled);
    expect(window.outstanding).toBe(4 - settled);
  });

  it("gives an event out again when its time is over, and not before, and again after that", async () => {
    const { runtime, again, send } = open();
    send(1);
    await runtime.run(600);
    send(2);
    await runtime.run(399);
    expect(again).toEqual([]);
    await runtime.run(1);
    expect(again).toEqual(["0/1 2 @1000"]);
    await runtime.run(600);
    expect(again).toEqual(["0/1 2 @1000", "0/2 2 @1600"]);
    await runtime.run(400);
    expect(again.at(-1)).toBe("0/1 3 @2000");
  });

  it("never gives out again what was acknowledged", async () => {
    const { runtime, window, again, send } = open();
    send(1);
    send(2);
    window.ack(FIRST, "e", "1");
    await runtime.run(5_000);
    expect(again.some((each) => each.startsWith("0/1"))).toBe(false);
    window.ackUpto(FIRST, "e", "2");
    const { length } = again;
    await runtime.run(5_000);
    expect(again).toHaveLength(length);
  });

  it("waits with a refused event as long as it was asked to, whatever its time to acknowledge", async () => {
    const { runtime, window, again, send } = open();
    send(1);
    expect(window.nack(FIRST, "e", "1", 3_000)).toBe(true);
    await runtime.run(2_999);
    expect(again).toEqual([]);
    expect(window.outstanding).toBe(1);
    await runtime.run(1);
    expect(again).toEqual(["0/1 2 @3000"]);
    await runtime.run(1_000);
    expect(again.at(-1)).toBe("0/1 3 @4000");
  });

  it("goes by the last of several refusals", async () => {
    const { runtime, window, again, send } = open();
    send(1);
    window.nack(FIRST, "e", "1", 100);
    window.nack(FIRST, "e", "1", 500);
    await runtime.run(499);
    expect(again).toEqual([]);
    await runtime.run(1);
    expect(again).toHaveLength(1);
  });

  it("takes an acknowledgement of a refused event that waits", async () => {
    const { runtime, window, again, send } = open();
    send(1);
    window.nack(FIRST, "e", "1", 100);
    expect(window.ack(FIRST, "e", "1")).toBe(true);
    await runtime.run(5_000);
    expect([again, window.room]).toEqual([[], 3]);
  });

  it("does not know a refusal of what is not out", () => {
    expect(open().window.nack(FIRST, "e", "1", 0)).toBe(false);
  });

  it("names the oldest event of a partition that is out, also after it was given out again", async () => {
    const { runtime, window, send } = open();
    send(1);
    await runtime.run(500);
    send(2);
    await runtime.run(600);
    expect(window.oldest(FIRST)).toMatchObject({ offset: "1", before: "0", attempt: 2 });
    window.ack(FIRST, "e", "1");
    expect(window.oldest(FIRST)?.offset).toBe("2");
  });

  it("gives nothing out again once it is closed", async () => {
    const { runtime, window, again, send } = open();
    send(1);
    send(2);
    window.nack(FIRST, "e", "2", 100);
    window.close();
    await runtime.run(10_000);
    expect([again, window.outstanding]).toEqual([[], 0]);
  });
});
