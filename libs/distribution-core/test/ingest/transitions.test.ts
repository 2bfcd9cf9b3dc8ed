import { messageOf } from "@distribution/proto-types/descriptors";
import { Position } from "@distribution/proto-types/distribution/v1/frames";
import { expect, test } from "vitest";
import { fieldError } from "../../src/errors.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { closed, createDoors, opened, orders, turns } from "./doors.ts";
import { createHeldBroker, Disk, event, eventsIn, idsIn, open, publisher, refusal, topic } from "./support.ts";

test("an event that cannot follow refuses its batch, with the event and the state it meets", async () => {
  await using disk = new Disk();
  const broker = await disk.open();
  const { ingest, publish } = await open({ broker, topics: [orders] });
  ingest.govern(createDoors().rule);
  const error = await refusal(publish([opened("1"), opened("2")]), "illegal_transition", "events[1].type");
  expect(error.errors[0]?.message).toContain("The door is open.");
  expect(await idsIn(broker, "md.orders")).toEqual([]);
  await publish([opened("1"), closed("2"), opened("3"), opened("4", "back")]);
  expect(await idsIn(broker, "md.orders")).toEqual(["1", "2", "3", "4"]);
});

test("a publish waits for the one before it on the same key until the log has been seen so far", async () => {
  await using disk = new Disk();
  const broker = await disk.open();
  const { ingest, publish } = await open({ broker, topics: [orders] });
  const doors = createDoors();
  ingest.govern(doors.rule);
  await publish([opened("1")]);
  const following = publish([closed("2")], "md.orders", publisher("another"));
  const illegal = publish([opened("3")], "md.orders", publisher("third"));
  await publish([opened("4", "back")], "md.orders", publisher("fourth"));
  await turns();
  expect(await idsIn(broker, "md.orders")).toEqual(["1", "4"]);
  doors.see("front", "open");
  await following;
  doors.see("front", "closed");
  await illegal;
  expect(await idsIn(broker, "md.orders")).toEqual(["1", "4", "2", "3"]);
});

test("a publish waits for what is on its way on another topic with a name that it claims, too", async () => {
  await using disk = new Disk();
  const broker = await disk.open();
  const { ingest, publish } = await open({ broker, topics: [orders, topic("md.locks")] });
  const locks = createDoors();
  const claims: typeof locks.rule.claims = ({ envelope: { key } }) => [`door ${key}`];
  ingest.govern({ ...locks.rule, topic: "md.locks", claims });
  ingest.govern({ ...createDoors().rule, claims });
  await publish([opened("1")], "md.locks");
  const waiting = publish([opened("2")]);
  await publish([opened("3", "back")], "md.orders", publisher("another"));
  await turns();
  expect(await idsIn(broker, "md.orders")).toEqual(["3"]);
  locks.see("front", "open");
  await waiting;
  expect(await idsIn(broker, "md.orders")).toEqual(["3", "2"]);
});

test.each(["invalid_event", "event_conflict"] as const)(
  "an event that a rule refuses as %s is named as well",
  async (code) => {
    await using disk = new Disk();
    const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders] });
    const next = () => {
      throw fieldError(code, "data.width", "A door is not below zero wide.");
    };
    ingest.govern({ ...createDoors().rule, next });
    await refusal(publish([opened("1")]), code, "events[0].data.width");
  },
);

test("what was not appended has changed nothing", async () => {
  const { broker, appends } = createHeldBroker();
  const { ingest, publish } = await open({ broker, topics: [orders] });
  ingest.govern(createDoors().rule);
  const first = publish([opened("1")]);
  const second = publish([opened("2")], "md.orders", publisher("another"));
  await turns();
  expect(appends).toHaveLength(1);
  appends[0]!.refuse(new Error("the disk is away"));
  await expect(first).rejects.toThrow();
  await turns();
  appends[1]!.accept();
  expect((await second).duplicates).toBe(0);
});

test("an event known before is no transition: it gets its first position", async () => {
  await using disk = new Disk();
  const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders] });
  const doors = createDoors();
  ingest.govern(doors.rule);
  const [position] = (await publish([opened("1")])).positions;
  doors.see("front", "open");
  await turns();
  const again = await publish([opened("1")]);
  expect([again.duplicates, again.positions[0]]).toEqual([1, position]);
});

test("a publish does not wait for ever: the publisher is told to try again", async () => {
  await using disk = new Disk();
  let fire = (): void => undefined;
  const after = (ms: number, callback: () => void) => {
    fire = callback;
    return systemRuntime.timers.after(ms, callback);
  };
  const runtime = { ...systemRuntime, timers: { ...systemRuntime.timers, after } };
  const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders], runtime });
  ingest.govern(createDoors().rule);
  await publish([opened("1")]);
  const waiting = publish([closed("2")]);
  await turns();
  fire();
  const error = await refusal(waiting, "unavailable");
  expect(error.retryAfterMs).toBeGreaterThan(0);
});

test("a projection that stopped is waited for no longer", async () => {
  await using disk = new Disk();
  const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders] });
  const doors = createDoors();
  ingest.govern({ ...doors.rule, by: [{ ...doors.model, reached: () => Promise.reject(new Error("stopped")) }] });
  await publish([opened("1")]);
  expect((await publish([opened("2")])).positions).toHaveLength(1);
});

test("payloads in JSON are judged as the message they map to", async () => {
  await using disk = new Disk();
  const broker = await disk.open();
  const message = messageOf("distribution.v1.Position");
  const { ingest, publish } = await open({ broker, topics: [{ ...orders, message }] });
  const judged: Position[] = [];
  ingest.govern<number, Position>({
    ...{ topic: orders.name, payload: Position, by: [] },
    current: () => 0,
    next: (count = 0, { payload }) => {
      judged.push(payload);
      return count + 1;
    },
  });
  const position = Position.fromPartial({ topic: "t", partition: 3 });
  const protobuf = { contentType: "application/protobuf", data: Buffer.from(Position.encode(position).finish()) };
  await publish([event("1", { data: Buffer.from('{"topic":"t","partition":3}') }), event("2", protobuf)]);
  expect(judged).toEqual([position, position]);
  expect(await eventsIn(broker, "md.orders")).toHaveLength(2);
});

test("a failure of the rule itself is no transition", async () => {
  await using disk = new Disk();
  const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders] });
  const next = () => {
    throw new Error("a defect");
  };
  ingest.govern({ ...createDoors().rule, next });
  await refusal(publish([opened("1")]), "internal");
});

test("a rule of a topic that is not there is refused", async () => {
  await using disk = new Disk();
  const { ingest } = await open({ broker: await disk.open(), topics: [orders] });
  expect(() => ingest.govern({ ...createDoors().rule, topic: "md.doors" })).toThrow("md.doors");
});
