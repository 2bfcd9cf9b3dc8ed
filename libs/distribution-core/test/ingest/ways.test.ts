import { messageOf } from "@distribution/proto-types/descriptors";
import { describe, expect, test } from "vitest";
import { createPipeline, rename, setKey, step } from "../../src/transforms/index.ts";
import { Disk, EventClass, event, eventsIn, idsIn, open, refusal, topic } from "./support.ts";

const byType = (type: string) => ({ type, class: EventClass.UNSPECIFIED, description: "", key: "" });

describe("routed events", () => {
  test("lie in every destination with their route's priority and regions; the answer is the first", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const topics = [topic("md.all"), topic("md.large", 2)];
    const { publish, router } = await open({
      broker,
      topics,
      routes: [
        { name: "large", when: { keys: ["BTC"] }, to: ["md.large", "md.all"], priority: 0, regions: ["eu", "us"] },
      ],
    });
    const { positions } = await publish([
      event("1", { key: "BTC", priority: 9, extensions: { a: { value: { $case: "integer", value: 1 } } } }),
      event("2", { key: "ETH", priority: 3 }),
      event("3", { key: "BTC" }),
    ]);
    expect(positions.map((position) => position.topic)).toEqual(["md.all", "md.all", "md.all"]);
    const [first, second] = await eventsIn(broker, "md.all");
    expect(first).toMatchObject({ id: "1", priority: 0, extensions: { regions: { value: { value: "eu,us" } } } });
    expect(first!.extensions.a).toEqual({ value: { $case: "integer", value: 1 } });
    expect(second).toMatchObject({ id: "2", priority: 3, extensions: {} });
    const large = await Promise.all([0, 1].map((partition) => idsIn(broker, "md.large", partition)));
    expect(large.flat()).toEqual(["1", "3"]);
    expect(router.stats()).toMatchObject([
      { name: "large", events: 2 },
      { name: "default", events: 1 },
    ]);
  });

  test("follow a change of the rules from the next publish on", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish, router } = await open({ broker, topics: [topic("md.all"), topic("md.large")] });
    await publish([event("1")]);
    router.replace([{ name: "r", when: {}, to: ["md.large"] }]);
    await publish([event("2")]);
    expect(await idsIn(broker, "md.all")).toEqual(["1"]);
    expect(await idsIn(broker, "md.large")).toEqual(["2"]);
  });

  test("have to fit each destination in type and payload", async () => {
    await using disk = new Disk();
    const topics = [
      topic("md.all"),
      topic("md.trades", 1, { eventTypes: [byType("md.trade")] }),
      topic("md.positions", 1, { message: messageOf("distribution.v1.Position") }),
    ];
    const { publish } = await open({
      broker: await disk.open(),
      topics,
      routes: [
        { name: "t", when: { types: ["md.*"] }, to: ["md.trades"] },
        { name: "p", when: { types: ["p.*"], keys: ["k"] }, to: ["md.positions"] },
      ],
    });
    await publish([event("1")]);
    await refusal(publish([event("2", { type: "md.quote" })]), "invalid_event", "events[0].type");
    const outcome = publish([event("3", { type: "p.q", data: Buffer.from('{"nope":1}') })]);
    await refusal(outcome, "invalid_event", "events[0].data.nope");
  });

  test("whose way depends on their keys are told apart within a run of one type", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { publish } = await open({
      broker,
      topics: [topic("md.all"), topic("md.large")],
      routes: [{ name: "r", when: { filter: 'id == "2"' }, to: ["md.large"] }],
    });
    await publish([event("1"), event("2"), event("3")]);
    expect(await idsIn(broker, "md.all")).toEqual(["1", "3"]);
    expect(await idsIn(broker, "md.large")).toEqual(["2"]);
  });
});

test("a batch of thousands, and events larger than the usual, arrive whole with what is stamped on them", async () => {
  await using disk = new Disk();
  const broker = await disk.open();
  const { publish } = await open({
    broker,
    topics: [topic("md.all", 3)],
    routes: [{ name: "r", when: { types: ["md.*"] }, to: [], priority: 4 }],
  });
  const events = Array.from({ length: 3000 }, (_, index) => {
    const data = Buffer.from(JSON.stringify({ index, text: "x".repeat(index % 1000 === 0 ? 9000 : index % 200) }));
    return event(`e${index}`, { key: `k${index % 17}`, data, type: index % 2 === 0 ? "md.trade" : "other" });
  });
  const { positions } = await publish(events);
  const logs = await Promise.all([0, 1, 2].map((partition) => eventsIn(broker, "md.all", partition)));
  const taken = [0, 0, 0];
  for (const [index, { partition }] of positions.entries()) {
    const stored = logs[partition]![taken[partition]!]!;
    taken[partition]! += 1;
    expect(stored.id).toBe(`e${index}`);
    expect(stored.data).toEqual(events[index]!.data);
    expect(stored.priority).toBe(index % 2 === 0 ? 4 : 0);
  }
});

test("types that publishers choose are remembered within a bound", async () => {
  await using disk = new Disk();
  const { publish } = await open({ broker: await disk.open() });
  const events = Array.from({ length: 5000 }, (_, index) => event(`e${index}`, { type: `t${index}`, data: undefined }));
  expect((await publish(events)).positions).toHaveLength(5000);
});

describe("a topic's pipeline", () => {
  const copies = step("copies", (draft) => [
    draft,
    { ...draft, event: { ...draft.event, id: `${draft.event.id}/copy`, type: "md.copy" } },
  ]);

  test("makes what the log gets of what is published, and the answer is where the first of it lies", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const topics = [topic("md.all", 1, { eventTypes: [byType("md.trade"), byType("md.copy")] })];
    const pipelines = new Map([
      ["md.all", createPipeline({ steps: [rename({ id: "name" }), setKey(["name"]), copies] })],
    ]);
    const { publish } = await open({ broker, topics, pipelines });
    const { positions } = await publish([event("1"), event("2")]);
    const events = await eventsIn(broker, "md.all");
    expect(events.map(({ id, key, type, data }) => [id, key, type, data?.toString()])).toEqual([
      ["1", "1", "md.trade", '{"name":"1"}'],
      ["1/copy", "1", "md.copy", '{"name":"1"}'],
      ["2", "2", "md.trade", '{"name":"2"}'],
      ["2/copy", "2", "md.copy", '{"name":"2"}'],
    ]);
    const [first, second] = positions.map((position) => Number(position.offset));
    expect(second! - first!).toBe(2);
    expect((await publish([event("2")])).positions).toEqual([positions[1]]);
  });

  test.each([
    [
      "fails",
      step("bad", () => {
        throw new TypeError("no such field");
      }),
      "Step bad",
    ],
    ["leaves nothing of it", step("bad", () => undefined), "leaves nothing"],
    ["changes its id", step("bad", (draft) => ({ ...draft, event: { ...draft.event, id: "other" } })), "id or source"],
    ["makes two of one id", step("bad", (draft) => [draft, draft]), "two events with the id"],
  ])("refuses an event when it %s", async (_, bad, message) => {
    await using disk = new Disk();
    const broker = await disk.open();
    const onlyBad = step("only", (draft) => (draft.event.key === "bad" ? bad.run(draft) : draft));
    const named = { ...onlyBad, name: "bad" };
    const pipelines = new Map([["md.trades", createPipeline({ steps: [named] })]]);
    const { publish } = await open({ broker, pipelines });
    const error = await refusal(publish([event("1"), event("2", { key: "bad" })]), "invalid_event", "events[1]");
    expect(error.message).toContain(message);
    expect(await idsIn(broker, "md.trades")).toEqual([]);
  });

  test("may not make what the topic does not take", async () => {
    await using disk = new Disk();
    const pipelines = new Map([["md.trades", createPipeline({ steps: [copies] })]]);
    const topics = [topic("md.trades", 1, { eventTypes: [byType("md.trade")] })];
    const { publish } = await open({ broker: await disk.open(), topics, pipelines });
    await refusal(publish([event("1")]), "invalid_event", "events[0].type");
  });
});
