import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import {
  createHeldBroker,
  createStoppedRuntime,
  Disk,
  EventClass,
  event,
  idsIn,
  open,
  publisher,
  refusal,
  topic,
} from "./support.ts";

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("an event published again", () => {
  test("gets its old position, and the log holds it once", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({ broker, topics: [topic("md.trades", 3)] });
    const first = await publish([event("1", { key: "a" }), event("2", { key: "b" })]);
    const again = await publish([event("2", { key: "b" }), event("3", { key: "c" }), event("1", { key: "a" })]);
    expect(again.duplicates).toBe(2);
    expect(again.positions[0]).toEqual(first.positions[1]);
    expect(again.positions[2]).toEqual(first.positions[0]);
    const stored = [0, 1, 2].map((partition) => idsIn(broker, "md.trades", partition));
    expect((await Promise.all(stored)).flat().sort()).toEqual(["1", "2", "3"]);
  });

  test("twice in one batch is stored once, and both get its position", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({ broker });
    const { positions, duplicates } = await publish([event("1"), event("2"), event("1")]);
    expect(duplicates).toBe(1);
    expect(positions[2]).toEqual(positions[0]);
    expect(positions[1]).not.toEqual(positions[0]);
    expect(await idsIn(broker, "md.trades")).toEqual(["1", "2"]);
  });

  test.each([
    ["payload", { data: Buffer.from("{}") }],
    ["type", { type: "md.other" }],
    ["subject", { subject: "s" }],
    ["key", { key: "other" }],
    ["content type", { contentType: "text/json" }],
    ["payload, now absent", { data: undefined }],
    ["time", { time: 1n }],
    ["class", { class: EventClass.QUOTE }],
    ["data schema", { dataSchema: "urn:x" }],
    ["sequence", { sequence: 9n }],
    ["extensions", { extensions: { a: { value: { $case: "text" as const, value: "x" } } } }],
  ])("with another %s is a conflict that names it, and nothing of its batch is taken", async (_, change) => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({ broker });
    await publish([event("1")]);
    const error = await refusal(publish([event("2"), event("1", change)]), "event_conflict", "events[1]");
    expect(error.definition.http).toBe(409);
    expect(await idsIn(broker, "md.trades")).toEqual(["1"]);
    expect((await publish([event("2")])).duplicates).toBe(0);
  });

  test("with another body in the same batch is a conflict that names both", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open() });
    const outcome = publish([event("0"), event("1"), event("1", { data: Buffer.from("[]") })]);
    expect((await refusal(outcome, "event_conflict", "events[2]")).message).toContain("events[1]");
  });

  test("with its extensions in another order, its priority or its time of ingest changed is the same event", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open() });
    const a = { value: { $case: "text" as const, value: "1" } };
    const b = { value: { $case: "integer" as const, value: 2 } };
    await publish([event("1", { extensions: { a, b } })]);
    expect((await publish([event("1", { extensions: { b, a }, priority: 3, ingested: 7n })])).duplicates).toBe(1);
  });

  test("by another source is another event, however source and id run together", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open() });
    const { duplicates } = await publish([
      event("bc", { source: "a" }),
      event("c", { source: "ab" }),
      event("constructor", { source: "__proto__" }),
      event("__proto__", { source: "constructor" }),
    ]);
    expect(duplicates).toBe(0);
  });
});

describe("an event that is under way in another publish", () => {
  test("waits for its outcome, and gets its position when it became durable", async () => {
    const { broker, appends } = createHeldBroker();
    const { publish } = await open({ broker });
    const first = publish([event("1")]);
    const second = publish([event("2"), event("1")]);
    await soon();
    expect(appends).toHaveLength(1);
    appends[0]!.accept();
    const { positions } = await first;
    await soon();
    appends[1]!.accept();
    const again = await second;
    expect(again.duplicates).toBe(1);
    expect(again.positions[1]).toEqual(positions[0]);
  });

  test("is taken when the other one failed", async () => {
    const { broker, appends } = createHeldBroker();
    const { publish } = await open({ broker });
    const first = publish([event("1")]);
    const second = publish([event("1")]);
    appends[0]!.refuse(new DistributionError("unavailable", "Away."));
    await refusal(first, "unavailable");
    await soon();
    appends[1]!.accept();
    expect((await second).duplicates).toBe(0);
  });

  test("holds back what the same subject publishes after it, and nobody else", async () => {
    const { broker, appends } = createHeldBroker();
    const { publish } = await open({ broker });
    const slow = publisher("slow");
    const outcomes = [
      publish([event("1")], undefined, publisher("first")),
      publish([event("1"), event("2")], undefined, slow),
      publish([event("3")], undefined, slow),
      publish([event("4")], undefined, publisher("other")),
    ];
    await soon();
    expect(appends).toHaveLength(2);
    appends[1]!.accept();
    await outcomes[3];
    appends[0]!.accept();
    await outcomes[0];
    await soon();
    expect(appends).toHaveLength(4);
    expect(appends.slice(2).map((append) => idAt(append.writes[0]!.batch.bytes))).toEqual(["2", "3"]);
    for (const append of appends.slice(2)) append.accept();
    await Promise.all(outcomes);
    // The way is free again.
    const after = publish([event("5")], undefined, slow);
    expect(appends).toHaveLength(5);
    appends[4]!.accept();
    await after;
  });

  test("waits again when a third publish was quicker", async () => {
    const { broker, appends } = createHeldBroker();
    const { publish } = await open({ broker });
    const outcomes = ["a", "b", "c"].map((subject) => publish([event("1")], undefined, publisher(subject)));
    appends[0]!.refuse(new DistributionError("unavailable", "Away."));
    await refusal(outcomes[0]!, "unavailable");
    await soon();
    expect(appends).toHaveLength(2);
    appends[1]!.accept();
    const [second, third] = await Promise.all(outcomes.slice(1));
    expect([second!.duplicates, third!.duplicates]).toEqual([0, 1]);
  });
});

describe("the window", () => {
  const bounds = { batchEvents: 3, inFlightEvents: 4 };

  test("knows as many events as it may, and forgets the oldest beyond", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), bounds: { ...bounds, windowEvents: 3 } });
    for (const id of ["1", "2", "3"]) await publish([event(id)]);
    expect((await publish([event("1")])).duplicates).toBe(1);
    await publish([event("4")]);
    expect((await publish([event("2")])).duplicates).toBe(1);
    expect((await publish([event("1")])).duplicates).toBe(0);
  });

  test("knows events up to its age, and not beyond", async () => {
    await using disk = new Disk();
    const runtime = createStoppedRuntime();
    const { publish } = await open({ broker: await disk.open(), runtime, bounds: { windowMs: 1000 } });
    await publish([event("1")]);
    runtime.advance(999);
    expect((await publish([event("1")])).duplicates).toBe(1);
    runtime.advance(1);
    expect((await publish([event("1")])).duplicates).toBe(1);
    runtime.advance(1);
    expect((await publish([event("1")])).duplicates).toBe(0);
  });

  test("is not emptied by publishes that are refused", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), bounds: { ...bounds, windowEvents: 3 } });
    await publish([event("1"), event("2")]);
    for (let round = 0; round < 5; round += 1) {
      await refusal(publish([event(`a${round}`), event(`b${round}`), event("")]), "invalid_event");
    }
    expect((await publish([event("1"), event("2")])).duplicates).toBe(2);
  });

  test("behaves like a map of the newest events, whatever is published", async () => {
    const ids = fc.integer({ min: 0, max: 30 });
    const body = fc.integer({ min: 0, max: 1 });
    const batch = fc.array(
      fc.tuple(ids, fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: body })),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    const step = fc.record({ batch, accepted: fc.integer({ min: 0, max: 9 }).map((chance) => chance > 0) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { broker, appends } = createHeldBroker();
        const { publish } = await open({ broker, bounds: { ...bounds, batchEvents: 4, windowEvents: 8 } });
        /** Id to body and position, oldest first; the publishes in order, to forget whole ones. */
        const known = new Map<number, { body: number; offset: string }>();
        const publishes: number[][] = [];
        for (const { batch: given, accepted } of steps) {
          const fresh = new Map<number, number>();
          let isConflict = false;
          for (const [id, bodyNumber] of given) {
            const before = known.get(id)?.body ?? fresh.get(id);
            if (before === undefined) fresh.set(id, bodyNumber);
            else if (before !== bodyNumber) {
              isConflict = true;
              break;
            }
          }
          const outcome = publish(given.map(([id, bodyNumber]) => event(`${id}`, { subject: `${bodyNumber}` })));
          if (isConflict) {
            await refusal(outcome, "event_conflict");
            continue;
          }
          const append = fresh.size > 0 ? appends.at(-1)! : undefined;
          if (append && !accepted) {
            append.refuse(new DistributionError("unavailable", "Away."));
            await refusal(outcome, "unavailable");
            continue;
          }
          append?.accept();
          const { positions, duplicates } = await outcome;
          expect(duplicates).toBe(given.length - fresh.size);
          for (const [index, [id, bodyNumber]] of given.entries()) {
            const { offset } = positions[index]!;
            if (known.has(id)) expect(offset).toBe(known.get(id)!.offset);
            else known.set(id, { body: bodyNumber, offset });
          }
          if (fresh.size > 0) publishes.push([...fresh.keys()]);
          while (publishes.flat().length > 8) for (const id of publishes.shift()!) known.delete(id);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("holds its memory to the bound in bytes by forgetting publishes", async () => {
    const { broker, appends } = createHeldBroker();
    const { leastWindowBytes } = await import("../../src/ingest/bounds.ts");
    const least = leastWindowBytes({ windowEvents: 1000, inFlightEvents: 4 });
    const { publish } = await open({
      broker,
      runtime: systemRuntime,
      bounds: { ...bounds, windowEvents: 1000, windowBytes: least + 512 },
    });
    for (const id of ["1", "2", "3"]) {
      const outcome = publish([event(id)]);
      appends.at(-1)!.accept();
      await outcome;
    }
    expect((await publish([event("2"), event("3")])).duplicates).toBe(2);
    const forgotten = publish([event("1")]);
    appends.at(-1)!.accept();
    expect((await forgotten).duplicates).toBe(0);
  });
});

function idAt(batch: Uint8Array): string {
  return Buffer.from(batch).toString("latin1", 4, 5);
}
