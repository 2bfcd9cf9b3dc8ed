/** Laws of what survives: closing, restarting, being killed. */
import type { Broker } from "@distribution/core/brokers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { idsTaken, positionsTaken } from "./group-support.ts";
import type { BrokerFactory, BrokerUnderTest } from "./law-context.ts";
import { batchOf, readEvents, takeEvents } from "./support.ts";

/** On a broker of their own, which they close and open again; tests run in this order. */
export function restartLaws(factory: BrokerFactory, prefix: string): void {
  let under: BrokerUnderTest | undefined;
  let broker: Broker;
  const topic = `${prefix}-restart`;
  const ids = (from: number, count: number) => Array.from({ length: count }, (_, at) => `e${from + at}`);
  const append = async (names: readonly string[]): Promise<void> => {
    for (const id of names) await broker.append([{ topic, partition: 0, batch: batchOf([{ id, key: id }]) }]);
  };
  const read = async (count: number) => {
    const reader = await broker.read(topic, 0, { at: "earliest" });
    const events = await readEvents(reader, count);
    await reader.close();
    return events;
  };

  beforeAll(async () => {
    under = await factory.create();
    broker = under.broker;
    await broker.admin.ensureTopic({ name: topic, partitions: 2, retention: {}, compaction: false });
  });
  afterAll(async () => {
    await under?.close();
  });

  test("it is ready, and says no reason why not", () => {
    expect(broker.health()).toEqual({ ready: true, reasons: [] });
  });

  test("what was acknowledged is there after a restart, at the same positions and times", async () => {
    await append(ids(0, 20));
    const before = await read(20);
    broker = await under!.restart();
    expect(await read(20)).toEqual(before);
  });

  test("topics and their configuration survive a restart", async () => {
    expect((await broker.admin.topics()).find(({ name }) => name === topic)).toEqual({
      ...{ name: topic, partitions: 2, retention: {}, compaction: false },
    });
  });

  test("a position taken before a restart is read after as before", async () => {
    const all = await read(20);
    broker = await under!.restart();
    await append(["after restart"]);
    const { epoch, offset } = all[9]!;
    const reader = await broker.read(topic, 0, { after: { epoch, offset } });
    expect((await readEvents(reader, 11)).map(({ id }) => id)).toEqual([...ids(10, 10), "after restart"]);
    await reader.close();
  });

  test("what a group settled stays settled over a restart, and what it did not comes again", async (test) => {
    test.skip(!broker.capabilities.individualAck, "declared: no individualAck");
    const options = { name: `${prefix}-group`, topics: [topic], from: "earliest", ackTimeoutMs: 30_000 } as const;
    const member = await broker.group(options);
    const taken = await takeEvents(member, 21);
    await member.ack(positionsTaken(taken.filter((_, at) => at % 2 === 0)));
    broker = await under!.restart();
    const again = await broker.group(options);
    const rest = await takeEvents(again, 10);
    expect(idsTaken(rest).sort()).toEqual(idsTaken(taken.filter((_, at) => at % 2 === 1)).sort());
    expect((await broker.admin.lag(options.name, topic))[0]).toBe(10);
    await again.close();
  });

  test("what was acknowledged survives the engine being killed", async (test) => {
    const kill = under!.kill?.bind(under);
    test.skip(kill === undefined, "the engine lives in this process");
    const before = await read(21);
    await kill?.();
    broker = await under!.restart();
    expect((await read(21)).map(({ id, offset }) => ({ id, offset }))).toEqual(
      before.map(({ id, offset }) => ({ id, offset })),
    );
  });

  test("close finishes what was appended, may be repeated, and then nothing is taken", async () => {
    const last = append(["last"]);
    const waiting = await broker.read(topic, 0, { at: "latest" });
    await broker.close();
    await last;
    await broker.close();
    await waiting.close();
    await expect(append(["too late"])).rejects.toMatchObject({ code: "unavailable" });
    await expect(broker.read(topic, 0, { at: "latest" })).rejects.toMatchObject({ code: "unavailable" });
    broker = await under!.restart();
    expect((await read(22)).at(-1)?.id).toBe("last");
  });
}
