import { describe, expect, it } from "vitest";
import { createMetrics } from "../../src/observability/index.ts";
import { readOne } from "../../src/qos/redelivery.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import type { Lane } from "../../src/subscriptions/index.ts";
import { openTail } from "../../src/tail/index.ts";
import { createRecorder, idAt, openEmbedded, put, topic, until } from "../tail/support.ts";

async function open(ringBytes: number) {
  const definition = topic("test.orders", { ringBytes });
  const broker = await openEmbedded();
  await broker.admin.ensureTopic(definition);
  const parts = { runtime: systemRuntime, logger: createRecorder(), metrics: createMetrics() };
  const tail = await openTail({ broker, topics: [definition], ...parts });
  const offsets = [
    ...(await put(broker, definition.name, ["1", "2", "3"])),
    ...(await put(broker, definition.name, ["4"])),
  ];
  const [partition] = tail.all;
  await until(() => partition!.head.number === 4);
  const out = (number: number, before: string) => ({
    lane: { tail: partition!, index: 0 } as Lane,
    ...{ number, before, epoch: partition!.head.epoch, offset: offsets[number]! },
    ...{ attempt: 2, settled: false, deadline: 0 },
  });
  const read = async (number: number, before: string): Promise<string | undefined> => {
    const found = await readOne(broker, out(number, before));
    return found && idAt(found.stored, found.index);
  };
  return { broker, tail, offsets, read, out };
}

describe("an event that is delivered again", () => {
  it("comes from the ring while that has it", async () => {
    const { tail, offsets, read } = await open(1024 * 1024);
    expect(await read(1, offsets[0]!)).toBe("2");
    await tail.close();
  });

  it("comes from the log when the ring has let it go, from any place that was before it", async () => {
    const { tail, offsets, read } = await open(1);
    expect(tail.all[0]!.ring.find(1)).toBeUndefined();
    expect(await read(1, offsets[0]!)).toBe("2");
    expect(await read(2, offsets[0]!)).toBe("3");
    await tail.close();
  });

  it("is not to be had any more when retention took it, nor when the log's history is another one", async () => {
    const { tail, broker, offsets, read, out } = await open(1);
    const { epoch } = tail.all[0]!.head;
    await broker.admin.truncate({ topic: "test.orders", partition: 0, epoch, offset: offsets[1]! });
    expect(await read(1, offsets[0]!)).toBeUndefined();
    expect(await readOne(broker, { ...out(3, offsets[2]!), epoch: "another" })).toBeUndefined();
    expect(await read(3, offsets[2]!)).toBe("4");
    await tail.close();
  });

  it("is not confused with another that has its number now", async () => {
    const { tail, offsets, broker, out } = await open(1024 * 1024);
    const found = await readOne(broker, { ...out(0, offsets[0]!), offset: offsets[1]! });
    expect(found && idAt(found.stored, found.index)).toBe("2");
    await tail.close();
  });
});
