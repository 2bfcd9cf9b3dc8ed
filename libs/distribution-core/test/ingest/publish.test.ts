import { describe, expect, test } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { ANONYMOUS } from "../../src/security/index.ts";
import { createHeldBroker, Disk, EventClass, event, eventsIn, idsIn, open, refusal, topic } from "./support.ts";

describe("a publish", () => {
  test("is acknowledged only once the broker says that it is durable", async () => {
    const { broker, appends } = createHeldBroker();
    const { publish } = await open({ broker });
    let answered = false;
    const outcome = publish([event("1")]).then((result) => {
      answered = true;
      return result;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    appends[0]!.accept();
    expect((await outcome).positions).toEqual([{ topic: "md.trades", partition: 0, epoch: "e", offset: "0" }]);
  });

  test("answers positions in the order sent, and each finds its event in the log", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({ broker, topics: [topic("md.trades", 4)] });
    const events = Array.from({ length: 40 }, (_, index) => event(`e${index}`, { key: `k${index % 7}` }));
    const { positions, duplicates } = await publish(events);
    expect(duplicates).toBe(0);
    expect(new Set(positions.map((position) => position.partition)).size).toBeGreaterThan(1);
    for (const [index, position] of positions.entries()) {
      const log = await idsIn(broker, "md.trades", position.partition);
      const before = positions.filter((each, at) => at < index && each.partition === position.partition).length;
      expect(log[before]).toBe(`e${index}`);
    }
  });

  test("keeps each key in one partition, in the order published, over many publishes under way", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({ broker, topics: [topic("md.trades", 3)] });
    const publishes = Array.from({ length: 30 }, (_, batch) =>
      publish(Array.from({ length: 5 }, (_, index) => event(`${batch}-${index}`, { key: `k${index}` }))),
    );
    await Promise.all(publishes);
    for (const partition of [0, 1, 2]) {
      const byKey = Map.groupBy(await eventsIn(broker, "md.trades", partition), (each) => each.key);
      for (const events of byKey.values()) {
        expect(events.map((each) => Number(each.id.split("-")[0]))).toEqual(Array.from({ length: 30 }, (_, n) => n));
      }
    }
  });

  test("spreads events without a key by their id", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open(), topics: [topic("md.trades", 4)] });
    const { positions } = await publish(Array.from({ length: 40 }, (_, index) => event(`e${index}`, { key: "" })));
    expect(new Set(positions.map((position) => position.partition)).size).toBe(4);
  });

  test("stamps the time of ingest, whatever the publisher wrote there, and the class that the catalogue gives", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const catalogue = { type: "md.trade", class: EventClass.TRADE, description: "", key: "" };
    const { publish } = await open({ broker, topics: [topic("md.trades", 1, { eventTypes: [catalogue] })] });
    const before = systemRuntime.clock.wallNs();
    await publish([event("1", { ingested: 5n }), event("2", { class: EventClass.TRADE })]);
    const [first, second] = await eventsIn(broker, "md.trades");
    expect(first!.ingested).toBeGreaterThanOrEqual(before);
    expect(second!.ingested).toBe(first!.ingested);
    expect([first!.class, second!.class]).toEqual([EventClass.TRADE, EventClass.TRADE]);
  });

  test("larger than the broker's largest batch goes in several writes of one append", async () => {
    const { broker, appends } = createHeldBroker(1000);
    const { publish } = await open({ broker });
    const outcome = publish(
      Array.from({ length: 10 }, (_, index) => event(`e${index}`, { contentType: "", data: Buffer.alloc(200) })),
    );
    const { writes } = appends[0]!;
    expect(appends).toHaveLength(1);
    expect(writes.length).toBeGreaterThan(2);
    for (const { batch } of writes) expect(batch.bytes.length).toBeLessThanOrEqual(1000);
    appends[0]!.accept();
    expect((await outcome).positions.map((position) => Number(position.offset))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test("that the broker refuses takes nothing: the same events pass afterwards, in the same order", async () => {
    const { broker, appends } = createHeldBroker();
    const { publish, ingest } = await open({ broker });
    const refused = publish([event("1"), event("2")]);
    appends[0]!.refuse(new DistributionError("storage_full", "The disk is full."));
    await refusal(refused, "storage_full");
    expect(ingest.inFlight()).toEqual({ batches: 0, events: 0, bytes: 0 });
    const again = publish([event("1"), event("2")]);
    appends[1]!.accept();
    expect((await again).duplicates).toBe(0);
    expect(appends[1]!.writes[0]!.batch.count).toBe(2);
  });

  test("fails as internal when the broker breaks, with the failure as its cause", async () => {
    const { broker } = createHeldBroker();
    const defect = new Error("defect");
    const { publish, ingest } = await open({
      broker: {
        ...broker,
        append: () => {
          throw defect;
        },
      },
    });
    expect((await refusal(publish([event("1")]), "internal")).cause).toBe(defect);
    expect(ingest.inFlight().events).toBe(0);
  });

  test("counts what became durable, and what was refused by code", async () => {
    await using disk = new Disk();
    const { publish, metrics } = await open({ broker: await disk.open() });
    await publish([event("1"), event("2")]);
    await publish([event("2")]);
    await refusal(publish([event("", {})]), "invalid_event");
    const text = metrics.render();
    expect(text).toContain('distribution_ingest_events_total{topic="md.trades"} 2');
    expect(text).toContain('distribution_ingest_duplicates_total{topic="md.trades"} 1');
    expect(text).toContain('distribution_ingest_refused_total{code="invalid_event"} 1');
  });

  test("needs the guard's leave, before it is looked at", async () => {
    await using disk = new Disk();
    const asked: unknown[] = [];
    const { publish } = await open({
      broker: await disk.open(),
      guard: {
        identify: () => ANONYMOUS,
        authorize(_, action) {
          asked.push(action);
          throw new DistributionError("forbidden", "Not you.");
        },
      },
    });
    await refusal(publish([event("")], "no.such"), "forbidden");
    expect(asked).toEqual([{ kind: "publish", topic: "no.such" }]);
  });

  test("to a topic that the service does not have is refused with the ones it has", async () => {
    await using disk = new Disk();
    const { publish } = await open({ broker: await disk.open() });
    const error = await refusal(publish([event("1")], "no.such"), "unknown_topic", "topic");
    expect(error.message).toContain("md.trades");
  });
});
