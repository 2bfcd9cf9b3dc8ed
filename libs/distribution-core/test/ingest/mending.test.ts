/** Publishers repeat what a process has not answered that died in the middle of an append to several topics. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { NO_FAULTS } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import { packEvents } from "../../src/events/index.ts";
import type { SequenceStep } from "../../src/ingest/index.ts";
import { COPY, HOME, placesOf, setUp, THIRD, to } from "./crashes.ts";
import { closed, createDoors, opened } from "./doors.ts";
import { event, publisher, refusal } from "./support.ts";

describe("an event of which a crash left", () => {
  it("the original and no copy is a duplicate, and its copy is written", async () => {
    const told: object[] = [];
    const logger = { debug() {}, info: (fields: object) => void told.push(fields), warn() {}, error() {} };
    const { start, log } = await setUp({ logger });
    await (await start()).dieAt([HOME], [event("1")]);
    const after = await start();
    for (let time = 0; time < 2; time += 1) {
      const again = await after.publish([event("1")]);
      expect([again.duplicates, placesOf(again)]).toEqual([1, [`${HOME} 0`]]);
      expect(await log(HOME, COPY)).toEqual([["1"], ["1"]]);
    }
    expect(told).toEqual([{ topic: HOME, events: 1 }]);
    await (await start()).publish([event("1")]);
    expect(await log(HOME, COPY)).toEqual([["1"], ["1"]]);
  });

  it("a copy and no original is as new, and its copy is not written again", async () => {
    const { start, log } = await setUp();
    await (await start()).dieAt([COPY], [event("0"), event("1")]);
    const after = await start();
    const first = await after.publish([event("1")]);
    expect([first.duplicates, placesOf(first)]).toEqual([0, [`${HOME} 0`]]);
    for (const service of [after, await start()]) {
      const again = await service.publish([event("1")]);
      expect([again.duplicates, placesOf(again)]).toEqual([1, [`${HOME} 0`]]);
    }
    expect(await log(HOME, COPY)).toEqual([["1"], ["0", "1"]]);
    expect(after.metrics.counter("distribution_ingest_events_total", { topic: HOME }).value).toBe(1);
    expect(after.metrics.counter("distribution_route_matches_total", { route: "all" }).value).toBe(1);
  });

  it("another part than of its neighbours has its own fate within one batch", async () => {
    const routes = [
      { name: "here", when: { types: ["here"] }, to: [HOME] },
      { name: "both", when: { types: ["both"] }, to: [HOME, COPY] },
      { name: "far", when: { types: ["far"] }, to: [COPY, THIRD] },
    ];
    const { start, log } = await setUp({ routes });
    await (await start()).dieAt([HOME], [event("h", { type: "here" }), event("b", { type: "both" })]);
    await (await start()).dieAt([COPY], [event("c", { type: "both" }), event("f", { type: "far" })]);
    await (await start()).dieAt([THIRD], [event("t", { type: "far" })]);
    const after = await start();
    const both = (id: string) => event(id, { type: "both" });
    const far = (id: string) => event(id, { type: "far" });
    const batch = [both("new"), both("b"), far("t"), both("c"), far("f"), event("h", { type: "here" }), far("t")];
    const result = await after.publish([...batch, both("b")]);
    expect(result.duplicates).toBe(5);
    const [fresh, b, t, c, f, h] = [`${HOME} 2`, `${HOME} 1`, `${COPY} 4`, `${HOME} 3`, `${COPY} 1`, `${HOME} 0`];
    expect(placesOf(result)).toEqual([fresh, b, t, c, f, h, t, b]);
    const whole = [
      ["h", "b", "new", "c"],
      ["c", "f", "new", "b", "t"],
      ["t", "f"],
    ];
    expect(await log(HOME, COPY, THIRD)).toEqual(whole);
    expect(placesOf(await after.publish(batch))).toEqual([fresh, b, t, c, f, h, t]);
    await (await start()).publish(batch);
    expect(await log(HOME, COPY, THIRD)).toEqual(whole);
  });

  it.each([
    [[COPY], [THIRD]],
    [[THIRD], [HOME]],
    [[HOME], [COPY]],
    [[], [COPY]],
  ])("%j, and the repeat's crash %j more of, is made whole by the next one", async (first, second) => {
    const { start, log } = await setUp({ routes: to(HOME, COPY, THIRD) });
    await (await start()).dieAt(first, [event("1")]);
    await (await start()).dieAt(second, [event("1")]);
    await (await start()).publish([event("1")]);
    expect(await log(HOME, COPY, THIRD)).toEqual([["1"], ["1"], ["1"]]);
  });

  it("a part is mended once, whoever repeats it meanwhile", async () => {
    const { start, log, done } = await setUp();
    await (await start()).dieAt([COPY], [event("1")]);
    await (await start()).dieAt([HOME], [event("2")]);
    const { ingest } = await start();
    const publish = (by: string) => ingest.publish(HOME, packEvents([event("1"), event("2")]), publisher(by));
    const results = await done(Promise.all(["a", "b", "c"].map(publish)));
    expect(results.map(({ duplicates }) => duplicates)).toEqual([1, 2, 2]);
    for (const result of results) expect(placesOf(result)).toEqual([`${HOME} 1`, `${HOME} 0`]);
    expect(await log(HOME, COPY)).toEqual([
      ["2", "1"],
      ["1", "2"],
    ]);
  });

  it("a part has another body than the one that is sent: a conflict, as ever", async () => {
    const { start, log } = await setUp();
    await (await start()).dieAt([COPY], [event("1")]);
    await refusal((await start()).publish([event("1", { subject: "other" })]), "event_conflict", "events[0]");
    expect(await log(HOME, COPY)).toEqual([[], ["1"]]);
  });

  it("a part is left alone where a broker with transactions has it so", async () => {
    const { start, log } = await setUp({ transactions: true });
    await (await start()).dieAt([COPY], [event("1")]);
    expect((await (await start()).publish([event("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([[], ["1"]]);
  });
});

describe("mending that fails", () => {
  it.each([HOME, COPY])("by a refusal leaves what is known of %s, and the next repeat mends", async (left) => {
    const { start, log, broker } = await setUp();
    await (await start()).dieAt([left], [event("1")]);
    const after = await start();
    let mayFail = true;
    const doubt = () => (mayFail ? { fates: ["refused" as const], knownAfter: 0 } : undefined);
    broker.faults = { ...NO_FAULTS, doubt };
    await refusal(after.publish([event("1")]), "unavailable");
    mayFail = false;
    expect((await after.publish([event("1")])).duplicates).toBe(left === HOME ? 1 : 0);
    expect(await log(HOME, COPY)).toEqual([["1"], ["1"]]);
  });

  it.each([
    [HOME, "late", [1, `${HOME} 0`]],
    [HOME, "never", [1, `${HOME} 0`]],
    [COPY, "late", [1, `${HOME} 0`]],
    [COPY, "never", [0, `${HOME} 0`]],
  ] as const)(
    "in doubt, with %s left and its part coming %s, is over when that is known",
    async (left, fate, answer) => {
      const { start, log, broker, runtime } = await setUp();
      await (await start()).dieAt([left], [event("1")]);
      const after = await start();
      broker.faults = { ...NO_FAULTS, doubt: () => ({ fates: [fate], knownAfter: 100 }) };
      await refusal(after.publish([event("1")]), "unavailable");
      broker.faults = NO_FAULTS;
      await refusal(after.publish([event("1")]), "unavailable");
      expect(await log(left)).toEqual([["1"]]);
      await runtime.run(200);
      const again = await after.publish([event("1")]);
      expect([again.duplicates, ...placesOf(again)]).toEqual(answer);
      expect(await log(HOME, COPY)).toEqual([["1"], ["1"]]);
      expect(after.ingest.inFlight()).toEqual({ batches: 0, events: 0, bytes: 0 });
    },
  );

  it("because another event of the batch is refused changes nothing", async () => {
    const { start, log } = await setUp();
    await (await start()).dieAt([COPY], [event("1")]);
    await (await start()).dieAt([HOME], [event("2"), event("other")]);
    const after = await start();
    await refusal(after.publish([event("1"), event("2"), event("other", { subject: "x" })]), "event_conflict");
    expect((await after.publish([event("1"), event("2")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([
      ["2", "other", "1"],
      ["1", "2"],
    ]);
  });

  it("after the window has moved on is over: what it held is known no more", async () => {
    const bounds = { windowEvents: 2, batchEvents: 2, inFlightEvents: 4 };
    const routes = [
      { name: "both", when: { types: ["md.trade"] }, to: [HOME, COPY] },
      { name: "third", when: { types: ["third"] }, to: [THIRD] },
    ];
    const { start, log, broker, runtime } = await setUp({ bounds, routes });
    await (await start()).dieAt([HOME], [event("1")]);
    const after = await start();
    broker.faults = { ...NO_FAULTS, doubt: () => ({ fates: ["never"], knownAfter: 100 }) };
    await refusal(after.publish([event("1")]), "unavailable");
    broker.faults = NO_FAULTS;
    for (const ids of [
      ["2", "3"],
      ["4", "5"],
    ])
      await after.publish(ids.map((id) => event(id, { type: "third" })));
    await runtime.run(100);
    expect((await after.publish([event("5", { type: "third" })])).duplicates).toBe(1);
    expect((await after.publish([event("1")])).duplicates).toBe(0);
    expect(await log(HOME, COPY)).toEqual([["1", "1"], ["1"]]);
  });
});

describe("a mended event and what it follows on", () => {
  const home = { ...createDoors().rule, topic: HOME };

  it("is judged where its original was missing, and by the rule of that topic only", async () => {
    const { start, log } = await setUp();
    await (await start()).dieAt([COPY], [opened("1"), opened("2", "back")]);
    const after = await start();
    const doors = createDoors();
    after.ingest.govern({ ...doors.rule, topic: HOME });
    doors.see("back", "open");
    const next = () => {
      throw new Error("It was judged here before.");
    };
    after.ingest.govern({ ...home, topic: COPY, next });
    const error = await refusal(after.publish([opened("1"), opened("2", "back")]), "illegal_transition");
    expect(error.errors[0]?.path).toBe("events[1].type");
    expect(await log(HOME, COPY)).toEqual([[], ["1", "2"]]);
    expect((await after.publish([opened("1")])).duplicates).toBe(0);
    expect(await log(HOME, COPY)).toEqual([["1"], ["1", "2"]]);
  });

  it("waits for its key while another publish has it, and is mended then", async () => {
    const { start, log, runtime } = await setUp();
    await (await start()).dieAt([COPY], [closed("2")]);
    const after = await start();
    const doors = createDoors();
    after.ingest.govern({ ...doors.rule, topic: HOME });
    await after.publish([opened("1")]);
    const waiting = after.ingest.publish(HOME, packEvents([closed("2")]), publisher("another"));
    await runtime.run(10);
    expect(await log(HOME)).toEqual([["1"]]);
    doors.see("front", "open");
    await runtime.run(10);
    expect((await waiting).duplicates).toBe(0);
    expect(await log(HOME, COPY)).toEqual([
      ["1", "2"],
      ["2", "1"],
    ]);
  });

  it("is not judged where only a copy was missing", async () => {
    const { start, log } = await setUp();
    await (await start()).dieAt([HOME], [opened("1")]);
    const after = await start();
    const next = () => {
      throw new Error("It was judged before.");
    };
    for (const name of [HOME, COPY]) after.ingest.govern({ ...home, topic: name, next });
    expect((await after.publish([opened("1")])).duplicates).toBe(1);
    expect(await log(HOME, COPY)).toEqual([["1"], ["1"]]);
  });

  it("is no step back in its source's sequence", async () => {
    const steps: SequenceStep[] = [];
    const { start, log } = await setUp({ onSequence: (step) => void steps.push(step) });
    const at = (sequence: string) => event(sequence, { sequence: BigInt(sequence) });
    await (await start()).dieAt([COPY], [at("1"), at("2")]);
    const after = await start();
    await after.publish([at("1"), at("2"), at("3")]);
    expect(steps).toEqual([]);
    expect(await log(HOME)).toEqual([["1", "2", "3"]]);
  });

  it("comes with what a pipeline makes beside it where it is new, and without where it is known", async () => {
    const beside = (one: Event): Event[] => [one, { ...one, id: `${one.id}+`, type: "beside" }];
    const routes = [{ name: "both", when: { types: ["md.trade"] }, to: [HOME, COPY] }];
    const pipelines = new Map([[HOME, { steps: [], apply: beside }]]);
    const { start, log } = await setUp({ routes, pipelines });
    await (await start()).dieAt([COPY], [event("1")]);
    await (await start()).dieAt([HOME], [event("2")]);
    const result = await (await start()).publish([event("1"), event("2"), event("3")]);
    expect([result.duplicates, placesOf(result)]).toEqual([1, [`${HOME} 2`, `${HOME} 0`, `${HOME} 4`]]);
    expect(await log(HOME, COPY)).toEqual([
      ["2", "2+", "1", "1+", "3", "3+"],
      ["1", "2", "3"],
    ]);
  });

  it("is a duplicate also where its pipeline would not take it any more, beside what is new", async () => {
    const takes = (one: Event): Event[] => [one];
    const refuses = (one: Event): Event[] => (one.id === "1" ? [] : [one, { ...one, id: `${one.id}+` }]);
    const pipelines = (apply: typeof takes) => ({ pipelines: new Map([[HOME, { steps: [], apply }]]) });
    const { start, log } = await setUp();
    await (await start(pipelines(takes))).publish([event("1")]);
    const result = await (await start(pipelines(refuses))).publish([event("1"), event("2")]);
    expect([result.duplicates, placesOf(result)]).toEqual([1, [`${HOME} 0`, `${HOME} 1`]]);
    expect(await log(HOME, COPY)).toEqual([
      ["1", "2", "2+"],
      ["1", "2", "2+"],
    ]);
  });
});
