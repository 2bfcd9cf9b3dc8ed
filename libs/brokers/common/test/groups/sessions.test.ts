/** Members that come and go, and what a group begins and ends with. */
import { DistributionError } from "@distribution/core/errors";
import { describe, expect, test } from "vitest";
import { createEngine, createProcess, createWorld, finish, JOIN, positions, take, tries, within } from "./support.ts";

describe("members and sessions", () => {
  test("a group begins with its first member and ends with its last, after its progress was stored", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member, groups } = await createProcess(world);
    const other = await groups.join(JOIN);
    const a = await take(world, member);
    await member.close();
    await member.close();
    expect(world.sessions).toEqual(["start g"]);
    expect(tries(await take(world, other))).toBe("a2");
    await finish(world, other.close());
    expect(world.sessions).toEqual(["start g", "close g"]);
    expect(world.kept.get("t/0"), "its attempts were").toBe("1;e1;0.0;1.0*2");
    expect(world.log.partition("t", 0).open).toBe(0);
    expect(groups.running()).toEqual([]);
    await expect(other.ack(positions(a))).rejects.toMatchObject({ code: "unavailable" });
    expect(tries(await take(world, await groups.join(JOIN)))).toBe("a3");
  });

  test("a group that takes long to begin or end keeps its own members waiting, and no others", async () => {
    const world = createWorld();
    const groups = createEngine(world, {
      async start(group) {
        if (group.name === "slow") await world.runtime.sleep(50);
        return { close: () => world.runtime.sleep(group.name === "slow" ? 50 : 0) };
      },
    });
    const slow = [1, 2].map(() => groups.join({ ...JOIN, name: "slow" }));
    expect(await within(world, groups.join(JOIN), 10)).not.toBe("waiting");
    const [first, second] = await finish(world, Promise.all(slow));
    expect(groups.find("slow")).toBeDefined();
    await first!.close();
    const left = second!.close();
    const again = groups.join({ ...JOIN, name: "slow" });
    expect(await within(world, Promise.all([left, again]), 90)).toBe("waiting");
    const closed = groups.close();
    expect(await within(world, closed, 200)).not.toBe("waiting");
    await world.runtime.run(500);
    expect(groups.running(), "a join that waited its turn ends with the rest").toEqual([]);
  });

  test("a member that waits is given nothing more when the broker closes", async () => {
    const world = createWorld();
    const { member, groups } = await createProcess(world);
    const next = member.next(1);
    await finish(world, groups.close());
    expect(await next).toEqual([]);
    expect(await member.next(1)).toEqual([]);
  });

  test("a failure at the end is told, and the session is closed all the same", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a"]);
    const { member, groups } = await createProcess(world);
    const a = await take(world, member);
    world.storeFailures.push(new Error("one"), new Error("two"));
    await expect(finish(world, member.ack(positions(a)))).rejects.toThrow("one");
    await finish(world, groups.close());
    expect(world.failures).toMatchObject([{ code: "internal" }]);
    expect(world.sessions).toEqual(["start g", "close g"]);
  });

  test("a group that could not begin is begun by who comes next", async () => {
    const world = createWorld();
    let away = true;
    const groups = createEngine(world, {
      async start(group) {
        const progress = { epoch: "e1", floor: "0.0", above: [], attempts: [] };
        group.add({ topic: "t", partition: 0, progress });
        if (away) throw new DistributionError("unavailable", "away");
        return { close: async () => undefined };
      },
    });
    await expect(groups.join(JOIN)).rejects.toMatchObject({ code: "unavailable" });
    expect(world.log.partition("t", 0).open, "and leaves nothing behind").toBe(0);
    away = false;
    await groups.join(JOIN);
    expect(groups.running()).toHaveLength(1);
  });

  test.each([
    ["name", { name: "" }],
    ["name", { name: "x".repeat(201) }],
    ["topics", { topics: [] }],
    ["topics", { topics: ["other"] }],
    ["from", { from: "somewhere" as "latest" }],
    ["ackTimeoutMs", { ackTimeoutMs: 0 }],
    ["ackTimeoutMs", { ackTimeoutMs: 2 ** 31 }],
  ])("refuses a join by its %s: %j", async (path, change) => {
    const { groups } = await createProcess(createWorld());
    const refused = groups.join({ ...JOIN, ...change });
    await expect(refused).rejects.toMatchObject({ code: "invalid_request", errors: [{ path }] });
  });
});
