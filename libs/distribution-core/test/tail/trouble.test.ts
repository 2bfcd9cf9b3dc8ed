import { describe, expect, it } from "vitest";
import { createMetrics } from "../../src/observability/index.ts";
import { openTail, type TailListener } from "../../src/tail/index.ts";
import { createRecorder, openSimulated, put, topic } from "./support.ts";

const TRADES = topic("test.trades");

async function open() {
  const { runtime, broker } = openSimulated();
  await broker.admin.ensureTopic(TRADES);
  const logger = createRecorder();
  const opening = openTail({ broker, topics: [TRADES], runtime, logger, metrics: createMetrics() });
  await runtime.run(10);
  const tail = await opening;
  const listen = (name: string, more: Partial<TailListener>): void =>
    tail.listen({ name, events() {}, lost() {}, ...more });
  /** The history is lost, and the tail finds the next one. */
  const lose = async (): Promise<void> => {
    broker.lose(TRADES.name, 0);
    await runtime.run(1_000);
  };
  const publish = async (name: string): Promise<void> => {
    const done = put(broker, TRADES.name, [name]);
    await runtime.run(10);
    await done;
  };
  return { tail, partition: tail.all[0]!, logger, listen, lose, publish };
}

describe("listeners of a tail", () => {
  it("are told when a partition comes into trouble and when it is out of it, once each", async () => {
    const { listen, lose, partition } = await open();
    const told: unknown[] = [];
    listen("one", { troubled: (of) => told.push([of === partition, of.trouble !== undefined]) });
    await lose();
    expect(told).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  it("are told though one before them fails, which is logged by its name", async () => {
    const { listen, lose, logger } = await open();
    let told = 0;
    listen("broken", {
      troubled() {
        throw new Error("broken");
      },
    });
    listen("deaf", {});
    listen("whole", {
      troubled() {
        told += 1;
      },
    });
    await lose();
    expect(told).toBe(2);
    expect(logger.lines).toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ listener: "broken" }) }),
    );
  });
});

describe("a partition's tail", () => {
  it("knows its losses: the first at a number or after it", async () => {
    const { partition, lose, publish } = await open();
    await publish("1:a");
    await lose();
    await publish("2:a");
    await lose();
    const [first, second] = [partition.lossAfter(0)!, partition.lossAfter(2)!];
    expect([first.from.number, first.to.number, second.from.number, second.to.number]).toEqual([1, 2, 3, 4]);
    expect(partition.lossAfter(1)).toBe(first);
    expect([first.to.epoch, second.from.epoch]).toEqual([second.from.epoch, first.to.epoch]);
    expect(partition.lossAfter(4)).toBeUndefined();
  });

  it.each([
    { losses: 63, first: 0 },
    { losses: 64, first: 0 },
    { losses: 65, first: 1 },
  ])("remembers 64 losses: of $losses the first known is number $first", async ({ losses, first }) => {
    const { partition, lose } = await open();
    for (let count = 0; count < losses; count += 1) await lose();
    expect(partition.lossAfter(0)!.from.number).toBe(first);
  });
});
