/** How the group engine reads a partition: as far as its window has room, and over whatever becomes of the log. */
import { DistributionError } from "@distribution/core/errors";
import { describe, expect, test } from "vitest";
import { createProcess, createWorld, finish, ids, positions, take, tries, within } from "./support.ts";

describe("reading", () => {
  test.each([{ windowEvents: 4 }, { windowBytes: 200 }])("stops at %j and goes on as there is room", async (bound) => {
    const world = createWorld();
    for (let record = 0; record < 3; record += 1) world.log.append("t", 0, ["x", "y"]);
    const { member, group } = await createProcess(world, bound);
    let taken = await take(world, member);
    for (let record = 3; record < 10; record += 1) world.log.append("t", 0, ["x", "y"]);
    await world.runtime.run(100);
    expect(group.standing({ topic: "t", partition: 0 })!.unsettled).toBe(6);
    let seen = 0;
    while (seen < 20) {
      seen += taken.length;
      await finish(world, member.ack(positions(taken)));
      if (seen < 20) taken = await take(world, member);
    }
    expect(group.standing({ topic: "t", partition: 0 })).toEqual({
      epoch: "e1",
      readTo: "28.1",
      unsettled: 0,
      ahead: [],
    });
  });

  test("goes on with the oldest event when retention took what follows", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member } = await createProcess(world, { windowEvents: 1 });
    const a = await take(world, member);
    for (const id of ["b", "c", "d"]) world.log.append("t", 0, [id]);
    world.log.truncate("t", 0, 10);
    await finish(world, member.ack(positions(a)));
    const d = await take(world, member);
    expect(tries(d)).toBe("d1");
    await finish(world, member.ack(positions(d)));
    expect(world.kept.get("t/0")).toBe("1;e1;10.0;");
  });

  test("goes on at once each time that retention overtakes it", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member } = await createProcess(world, { windowEvents: 1 });
    for (const [id, record] of [
      ["b", 4],
      ["c", 7],
      ["d", 10],
    ] as const) {
      const taken = await take(world, member);
      world.log.append("t", 0, [id]);
      world.log.truncate("t", 0, record);
      await finish(world, member.ack(positions(taken)));
    }
    expect(ids(await take(world, member))).toBe("d");
  });

  test("begins anew with another epoch: nothing that was settled is true of it", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b"]);
    const { member } = await createProcess(world);
    const old = await take(world, member);
    await finish(world, member.ack(positions(old, "b")));
    world.log.recreate("t", 0);
    world.log.append("t", 0, ["c", "d"]);
    const taken = await take(world, member);
    expect(tries(taken)).toBe("c1 d1");
    await expect(member.ack(positions(old))).rejects.toMatchObject({ code: "position_gone" });
    await finish(world, member.ack(positions(taken)));
    expect(world.kept.get("t/0")).toBe("1;e2;1.1;");
  });

  test("begins anew with another epoch, also of what was settled before it was read", async () => {
    const world = createWorld();
    world.kept.set("t/0", "1;e0;0.0;1.0-9.0");
    world.log.append("t", 0, ["a", "b"]);
    const { member } = await createProcess(world);
    expect(tries(await take(world, member))).toBe("a1 b1");
  });

  test("begins anew where the log was cut off behind what was read, and grew again", async () => {
    const world = createWorld();
    for (const id of ["a", "b", "c"]) world.log.append("t", 0, [id]);
    const { member } = await createProcess(world);
    const taken = await take(world, member);
    await finish(world, member.ack(positions(taken, "b", "c")));
    const partition = world.log.partition("t", 0);
    partition.records.splice(1, 2);
    partition.next = 4;
    partition.failures.push(new DistributionError("position_gone", "the log is another one after 1.0"));
    world.log.append("t", 0, ["B"]);
    const again = await take(world, member);
    expect(tries(again)).toBe("a1 B1");
    await finish(world, member.ack(positions(again)));
    expect(await within(world, member.next(1), 2000), "and nothing is left of what was out").toBe("waiting");
    expect(world.kept.get("t/0")).toBe("1;e1;4.0;");
  });

  test("is tried again while the broker is away, which members are not told", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const away = new DistributionError("unavailable", "away");
    world.log.partition("t", 0).failures.push(away, away);
    const { member } = await createProcess(world);
    const next = member.next(1);
    expect(await within(world, next, 1990)).toBe("waiting");
    expect(await within(world, next, 30)).not.toBe("waiting");
    expect(world.failures).toEqual([away, away]);
  });

  test("that meets damage tells one member, once, and is tried again", async () => {
    const world = createWorld();
    const damage = () => new DistributionError("record_damaged", "t/0 4.0 is damaged");
    world.log.partition("t", 0).failures.push(damage(), damage());
    const { member } = await createProcess(world);
    await expect(finish(world, member.next(1))).rejects.toMatchObject({ code: "record_damaged" });
    world.log.append("t", 0, ["a"]);
    const next = member.next(1);
    expect(await within(world, next, 1900)).toBe("waiting");
    expect(await within(world, next, 200)).not.toBe("waiting");
  });

  test("that fails as nobody foresaw is told as internal", async () => {
    const world = createWorld();
    world.log.partition("t", 0).failures.push(new TypeError("oops") as unknown as DistributionError);
    const { member } = await createProcess(world);
    await expect(finish(world, member.next(1))).rejects.toMatchObject({ code: "internal" });
  });

  test("of a topic that was deleted ends, and the rest goes on", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member } = await createProcess(world, { partitions: [0, 1] });
    const a = await take(world, member);
    const gone = world.log.partition("t", 0);
    gone.failures.push(new DistributionError("unknown_topic", "t is gone"));
    world.log.append("t", 0, ["b"]);
    world.log.append("t", 1, ["c"]);
    expect(ids(await take(world, member))).toBe("c");
    await expect(member.ack(positions(a))).rejects.toMatchObject({ code: "invalid_request" });
    expect(gone.open).toBe(0);
  });
});
