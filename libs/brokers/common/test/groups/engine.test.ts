/** The group engine on one process: what is given, what settles it, when it comes again, what is kept of it. */
import type { GroupBatch } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { takenOf } from "@distribution/testkit/broker";
import { describe, expect, test } from "vitest";
import { encodeProgress } from "../../src/index.ts";
import { createProcess, createWorld, finish, ids, JOIN, positions, take, tries, within } from "./support.ts";

const KEYED = ["a1:a", "b1:b", "a2:a"];

describe("what is settled", () => {
  test("does not come again in the next process, and the rest does, with its attempts", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b", "c", "d"]);
    world.log.append("t", 0, ["e", "f"]);
    const first = await createProcess(world);
    const taken = await take(world, first.member, 5);
    await finish(world, first.member.ack(positions(taken, "b", "c", "e")));
    await finish(world, first.member.nack(positions(taken, "d"), 0));
    expect(world.kept.get("t/0")).toBe("1;e1;0.0;1.1-.1,.1*1,3.0");
    await finish(world, first.groups.close());
    const second = await createProcess(world);
    expect(tries(await take(world, second.member))).toBe("a1 d2 f1");
  });

  test("raises the floor, so that what is kept stays small however much is settled", async () => {
    const world = createWorld();
    const { member } = await createProcess(world);
    for (let round = 0; round < 20; round += 1) {
      world.log.append("t", 0, ["x", "y", "z"]);
      const taken = await take(world, member);
      await finish(world, member.ack(positions(taken).reverse()));
    }
    expect(world.kept.get("t/0")).toBe("1;e1;58.2;");
  });

  test("is stored by one call at a time; what settles meanwhile goes together into the next", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b", "c", "d"]);
    const { member } = await createProcess(world);
    const taken = await take(world, member);
    const acks = ["a", "b"].map((id) => member.ack(positions(taken, id)));
    await world.runtime.run(1);
    acks.push(...["c", "d"].map((id) => member.ack(positions(taken, id))));
    await finish(world, Promise.all(acks));
    expect(world.stores).toHaveLength(2);
    expect(world.kept.get("t/0")).toBe("1;e1;1.3;");
  });

  test("and not stored is an error to who acked, and goes along with the next", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b"]);
    const { member } = await createProcess(world);
    const taken = await take(world, member);
    world.storeFailures.push(new DistributionError("unavailable", "away"));
    await expect(finish(world, member.ack(positions(taken, "a")))).rejects.toMatchObject({ code: "unavailable" });
    expect(world.kept.size).toBe(0);
    await finish(world, member.ack(positions(taken, "b")));
    expect(world.kept.get("t/0")).toBe("1;e1;1.1;");
  });

  test("and stored is not stored again", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member, groups } = await createProcess(world);
    const a = await take(world, member);
    await finish(world, member.ack(positions(a)));
    await finish(world, member.ack(positions(a)));
    await finish(world, groups.close());
    expect(world.stores).toEqual(["t/0"]);
  });

  test("leaves no attempts behind, whatever becomes of the events", async () => {
    const world = createWorld();
    const attempts = [["1.0", 3] as const, ["2.0", 4] as const, ["4.0", 5] as const];
    world.kept.set("t/0", encodeProgress({ epoch: "e1", floor: "0.0", above: [], attempts }, 100));
    for (const id of ["a", "b", "c"]) world.log.append("t", 0, [id]);
    const { member } = await createProcess(world);
    const taken = await take(world, member);
    expect(tries(taken)).toBe("a4 b6 c1");
    await finish(world, member.ack(positions(taken, "a")));
    await finish(world, member.ack(positions(taken, "b")));
    expect(world.kept.get("t/0"), "the event at 2.0 is not there any more").toBe("1;e1;4.0;");
  });

  test("before it was read is not given", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b", "c", "d"]);
    const { member } = await createProcess(world, { windowEvents: 3 });
    const [a] = await take(world, member, 1);
    const at = (offset: string) => ({ ...a!.position, offset });
    world.log.append("t", 0, ["e", "f", "g"]);
    await finish(world, member.ack([at("4.2"), at("4.0"), at("4.0")].slice(0, 2)));
    expect(world.kept.get("t/0")).toBe("1;e1;0.0;4.0,.2");
    await finish(world, member.ack([at("4.0")]));
    const taken = await take(world, member);
    await finish(world, member.ack([a!.position, ...positions(taken)]));
    expect(ids(taken)).toBe("b c d");
    expect(ids(await take(world, member))).toBe("f");
  });
});

describe("an answer is refused", () => {
  test.each([
    ["positions[0]", "invalid_request", { topic: "other" }],
    ["positions[0]", "invalid_request", { partition: 7 }],
    ["positions[0].offset", "invalid_request", { offset: "x" }],
    ["positions[0]", "invalid_request", { offset: "9.0" }],
    ["positions[0]", "position_gone", { epoch: "e0" }],
  ])("at %s as %s: %j", async (path, code, change) => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member } = await createProcess(world, {
      async start(group) {
        const progress = { epoch: "e1", floor: "0.0", above: [], attempts: [] };
        group.add({ topic: "t", partition: 0, progress, end: () => world.log.end("t", 0) });
        return { close: async () => undefined };
      },
    });
    const [a] = await take(world, member);
    const answers = [
      member.ack([{ ...a!.position, ...change }]),
      member.nack([{ ...a!.position, ...change }], 0),
      member.extend([{ ...a!.position, ...change }], 1),
    ];
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ code, errors: [{ path }] });
    await world.runtime.run(10);
    expect(world.stores).toEqual([]);
  });

  test("when more are answered ahead of what was read than the window has room for", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member } = await createProcess(world, { windowEvents: 2 });
    const [a] = await take(world, member);
    const ahead = (...records: readonly number[]) =>
      records.map((record) => ({ ...a!.position, offset: `${record}.0` }));
    await expect(member.ack(ahead(4, 7, 10))).rejects.toMatchObject({ code: "invalid_request" });
    await finish(world, member.ack(ahead(4)));
    await finish(world, member.ack(ahead(7)));
    await expect(member.ack(ahead(10))).rejects.toMatchObject({ errors: [{ path: "positions[0]" }] });
  });
});

describe("time", () => {
  test("an event comes again when its deadline passes, not before, unless it is extended", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b"]);
    const { member } = await createProcess(world);
    const taken = await take(world, member);
    await member.extend(positions(taken, "b"), 3000);
    const next = member.next(10);
    expect(await within(world, next, 998)).toBe("waiting");
    expect(tries(takenOf((await within(world, next, 5)) as readonly GroupBatch[]))).toBe("a2");
    const later = member.next(10);
    await finish(world, member.ack(positions(taken, "a")));
    expect(await within(world, later, 1900)).toBe("waiting");
    expect(tries(takenOf((await within(world, later, 200)) as readonly GroupBatch[]))).toBe("b2");
  });

  test("a nacked event holds back its key, and no other, for as long as was said", async () => {
    const world = createWorld();
    world.log.append("t", 0, KEYED);
    const { member } = await createProcess(world);
    const [a1] = await take(world, member, 1);
    await finish(world, member.nack([a1!.position], 500));
    const b1 = await take(world, member);
    expect(ids(b1)).toBe("b1");
    await finish(world, member.ack(positions(b1)));
    const next = member.next(10);
    expect(await within(world, next, 480)).toBe("waiting");
    expect(tries(takenOf((await within(world, next, 30)) as readonly GroupBatch[]))).toBe("a12 a21");
  });

  test("an answer that comes late counts, unless the event is with somebody else", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b"]);
    const { member, groups } = await createProcess(world, { join: { ackTimeoutMs: 50 } });
    const other = await groups.join(JOIN);
    const late = await take(world, member);
    await world.runtime.run(60);
    const [a] = await take(world, other, 1);
    await finish(world, member.nack(positions(late), 0));
    await member.extend(positions(late), 10_000);
    expect(a).toMatchObject({ id: "a", attempt: 2 });
    await finish(world, member.ack(positions(late, "b")));
    const again = other.next(1);
    expect(await within(world, again, 900)).toBe("waiting");
    expect(tries(takenOf((await within(world, again, 100)) as readonly GroupBatch[])), "as its deadline says").toBe(
      "a3",
    );
  });
});

describe("a key", () => {
  test("is in one member's hands, and goes on with its holder", async () => {
    const world = createWorld();
    world.log.append("t", 0, KEYED);
    const { member, groups } = await createProcess(world);
    const other = await groups.join(JOIN);
    const a1 = await take(world, member, 1);
    expect(ids(await take(world, other))).toBe("b1");
    const waiting = other.next(10);
    expect(await within(world, waiting, 10)).toBe("waiting");
    expect(ids(await take(world, member))).toBe("a2");
    await member.close();
    expect(tries(takenOf((await within(world, waiting, 10)) as readonly GroupBatch[]))).toBe("a12 a22");
    await finish(world, other.ack(positions(a1)));
  });
});

test("a key stays with its holder while any of its events is out", async () => {
  const world = createWorld();
  world.log.append("t", 0, ["a1:a", "a2:a"]);
  const { member, groups } = await createProcess(world);
  const other = await groups.join(JOIN);
  const taken = await take(world, member);
  await finish(world, member.ack(positions(taken, "a1")));
  world.log.append("t", 0, ["a3:a"]);
  const waiting = other.next(1);
  expect(await within(world, waiting, 10)).toBe("waiting");
  await finish(world, member.ack(positions(taken, "a2")));
  expect(ids(takenOf((await within(world, waiting, 10)) as readonly GroupBatch[]))).toBe("a3");
});
