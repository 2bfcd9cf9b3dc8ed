/** When the log says that an event is missing in a topic, and when it does not. */
import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { packEvents } from "../../src/events/index.ts";
import { MAX_LABEL } from "../../src/ingest/identity-table.ts";
import { TakenPublish } from "../../src/ingest/taken-publish.ts";
import { Whereabouts } from "../../src/ingest/whereabouts.ts";
import { COPY, HOME, setUp, THIRD, to } from "./crashes.ts";
import { event, eventsIn, topic } from "./support.ts";

describe("of an event that was found in a part of its topics", () => {
  it("a copy goes where a route sends it by now", async () => {
    const { start, log } = await setUp({ routes: to(HOME) });
    await (await start()).publish([event("1")]);
    const after = await start({ routes: to(HOME, THIRD) });
    expect((await after.publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY, THIRD)).toEqual([["1"], [], ["1"]]);
  });

  it("nothing is written when it was found where no route sends it any more", async () => {
    const { start, log } = await setUp();
    await (await start()).publish([event("1")]);
    const after = await start({ routes: to(COPY, THIRD) });
    expect((await after.publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY, THIRD)).toEqual([["1"], ["1"], []]);
  });

  it("nothing is written to a topic with compaction: a newer event of its key may have taken its place", async () => {
    const topics = [topic(HOME), topic(COPY, 1, { compaction: true })];
    const { start, log } = await setUp({ topics });
    await (await start()).dieAt([HOME], [event("1")]);
    const after = await start();
    await after.publish([event("2")]);
    expect((await after.publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([["1", "2"], ["2"]]);
  });

  it("nothing is written to a topic whose retention may have passed it, and what came later is", async () => {
    const { start, log, broker, runtime } = await setUp();
    const before = await start();
    await before.publish([event("1")]);
    await runtime.run(1000);
    await before.publish([event("2")]);
    broker.forget(COPY, 0);
    await runtime.run(1000);
    await before.dieAt([HOME], [event("3")]);
    await runtime.run(2500);
    const after = await start();
    expect(await log(COPY)).toEqual([["2"]]);
    expect((await after.publish([event("1"), event("2"), event("3")])).duplicates).toBe(3);
    expect(await log(HOME, COPY)).toEqual([
      ["1", "2", "3"],
      ["2", "3"],
    ]);
  });

  it("nothing is written that is older than what a topic has, though its original was written after a crash", async () => {
    const { start, log, broker, runtime, done } = await setUp();
    const append = (id: string) =>
      done(broker.append([{ topic: THIRD, partition: 0, batch: packEvents([event(id)]) }]));
    await (await start()).dieAt([COPY], [event("1")]);
    for (const id of ["y", "x"]) await append(id);
    broker.forget(THIRD, 0);
    await runtime.run(1000);
    await (await start()).publish([event("1")]);
    const after = await start({ routes: to(HOME, COPY, THIRD) });
    expect((await after.publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY, THIRD)).toEqual([["1"], ["1"], ["x"]]);
  });

  it("nothing is written to a topic that retention has emptied", async () => {
    const { start, log, broker, done } = await setUp();
    const before = await start();
    await before.publish([event("1")]);
    const { epoch, end } = (await broker.admin.partitions(COPY))[0]!;
    await done(broker.admin.truncate({ topic: COPY, partition: 0, epoch, offset: end }));
    expect((await (await start()).publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([["1"], []]);
  });

  it("what was read from before it says enough of a topic that retention cuts", async () => {
    const { start, log, broker, runtime } = await setUp();
    const before = await start();
    for (const id of ["0", "1", "2", "3"]) await before.publish([event(id)]);
    broker.forget(COPY, 0);
    await runtime.run(30_000);
    await before.dieAt([HOME], [event("4")]);
    await (await start({ bounds: { windowMs: 4000 } })).publish([event("4")]);
    expect(await log(COPY)).toEqual([["2", "3", "4"]]);
  });

  it("nothing is written that was taken in before what was read: its other place may lie there", async () => {
    const { start, log, runtime } = await setUp();
    const before = await start();
    await before.dieAt([HOME], [event("1")]);
    await runtime.run(3900);
    const bounds = { windowMs: 4000 };
    expect((await (await start({ bounds })).publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([["1"], []]);
  });

  it("nothing is written when the window has lost what it knew of others of its time", async () => {
    const bounds = { windowEvents: 1, batchEvents: 1, inFlightEvents: 1 };
    const { start, log, runtime, broker, done } = await setUp({ bounds });
    const before = await start();
    // Its parts come far from each other, with others in between.
    await before.dieAt([HOME], [event("1")]);
    await (await start()).publish([event("2")]);
    const [stored] = await eventsIn(broker, HOME);
    await runtime.run(10);
    await done(broker.append([{ topic: COPY, partition: 0, batch: packEvents([stored!]) }]));
    const after = await start();
    expect((await after.publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([
      ["1", "2"],
      ["2", "1"],
    ]);
  });

  it("nothing is written behind a damaged record, which may hide it", async () => {
    const { start, log, broker } = await setUp();
    const before = await start();
    await before.publish([event("0")]);
    await before.dieAt([HOME], [event("1")]);
    const read: Broker["read"] = async (name, partition, from) => {
      const reader = await broker.read(name, partition, from);
      const next = () => Promise.reject(new DistributionError("record_damaged", "Damaged."));
      return name === COPY ? { ...reader, next } : reader;
    };
    expect((await (await start({}, { read })).publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([["0", "1"], ["0"]]);
  });

  it("nothing is written that does not say when it was taken in", async () => {
    const { start, log, broker, done } = await setUp();
    await start();
    await done(broker.append([{ topic: HOME, partition: 0, batch: packEvents([event("1")]) }]));
    expect((await (await start()).publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([["1"], []]);
  });
});

describe("the topics where events were met", () => {
  const met = (name: string): TakenPublish => {
    const taken = new TakenPublish(0);
    taken.placements = [{ topic: name, partition: 0, count: 1 }];
    return taken;
  };

  it("are told for as many sets of them as there are labels; of what is beyond nothing is known", () => {
    const whereabouts = new Whereabouts();
    const owner = met("t0");
    const labels = Array.from({ length: MAX_LABEL }, (_, index) => whereabouts.join(0, owner, `t${index + 1}`));
    expect(new Set(labels).size).toBe(MAX_LABEL);
    const [last, beyond] = labels.slice(-2) as [number, number];
    const told = (label: number) => [whereabouts.count(label), whereabouts.has(label, owner, "t1")];
    expect([told(0), told(labels[0]!), told(last), told(beyond)]).toEqual([
      [1, false],
      [2, true],
      [2, false],
      [Number.POSITIVE_INFINITY, true],
    ]);
    expect(whereabouts.join(beyond, owner, "t1")).toBe(beyond);
    expect(whereabouts.join(0, owner, "t1")).toBe(labels[0]);
    expect(whereabouts.join(labels[0]!, met("t1"), "t0")).toBe(labels[0]);
  });
});
