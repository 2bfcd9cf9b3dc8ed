/** Partitions that come and go: what a rebalance keeps, what it gives up, and that a group of several processes loses nothing. */
import type { GroupMember } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { takenOf } from "@distribution/testkit/broker";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { describe, expect, test } from "vitest";
import {
  createProcess,
  createWorld,
  finish,
  ids,
  JOIN,
  type Process,
  positions,
  take,
  tries,
  type World,
  within,
} from "./support.ts";

const T0 = { topic: "t", partition: 0 };
const T1 = { topic: "t", partition: 1 };

async function twoPartitions() {
  const world = createWorld();
  world.log.append("t", 0, ["a", "b", "c"]);
  world.log.append("t", 1, ["d"]);
  const process = await createProcess(world, { partitions: [0, 1] });
  const taken = await take(world, process.member);
  return { ...process, world, taken };
}

describe("a partition that is taken away", () => {
  test("is stored first, with what was settled and what was out", async () => {
    const { world, group, member, taken } = await twoPartitions();
    const ack = member.ack(positions(taken, "b"));
    await finish(world, Promise.all([ack, group.remove([T0])]));
    expect(world.kept.get("t/0")).toBe("1;e1;0.0;1.0*1,.1,.1*1");
    expect(world.log.partition("t", 0).open).toBe(0);
    expect(group.standing(T0)).toBeUndefined();
    const other = await createProcess(world);
    expect(tries(await take(world, other.member))).toBe("a2 c2");
  });

  test("settles nothing any more: an ack says so, after settling the rest; nack and extend are nothing", async () => {
    const { world, group, member, taken } = await twoPartitions();
    await finish(world, group.remove([T0]));
    const before = world.kept.get("t/0");
    const late = member.ack(positions(taken));
    await expect(finish(world, late)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/t\/0/),
    });
    expect(world.kept.get("t/1"), "d is settled").toBe("1;e1;1.0;");
    await finish(world, member.nack(positions(taken, "a"), 0));
    await member.extend(positions(taken, "a"), 10);
    expect(world.kept.get("t/0")).toBe(before);
    expect(await within(world, member.next(10), 5000)).toBe("waiting");
  });

  test("may come back, and goes on from what was stored", async () => {
    const { world, group, member, taken, assign } = await twoPartitions();
    await finish(world, member.ack(positions(taken, "a", "d")));
    await finish(world, group.remove([T0, T1]));
    assign(0);
    assign(0);
    expect(tries(await take(world, member))).toBe("b2 c2");
    await finish(world, member.ack(positions(taken, "b", "c")));
    expect(world.kept.get("t/0"), "an answer to its first delivery counts").toBe("1;e1;1.2;");
  });

  test("while its reader was being opened leaves no reader open", async () => {
    const world = createWorld();
    const { group, assign } = await createProcess(world, {
      partitions: [],
      async read(topic, partition, from) {
        await world.runtime.sleep(10);
        return world.log.read(topic, partition, from);
      },
    });
    assign(0);
    await finish(world, group.remove([T0]));
    await world.runtime.run(20);
    expect(world.log.partition("t", 0)).toMatchObject({ open: 0, opened: 1 });
  });

  test("and came back is told apart from one whose topic was deleted then", async () => {
    const { world, group, member, taken, assign } = await twoPartitions();
    await finish(world, group.remove([T0]));
    assign(0);
    await take(world, member);
    world.log.partition("t", 0).failures.push(new DistributionError("unknown_topic", "t is gone"));
    world.log.append("t", 0, ["e"]);
    await world.runtime.run(10);
    await expect(member.ack(positions(taken, "a"))).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("frees its room in the window", async () => {
    const world = createWorld();
    world.log.append("t", 0, ["a", "b", "c"]);
    const { member, group, assign } = await createProcess(world, { windowEvents: 3 });
    await take(world, member);
    await finish(world, group.remove([T0]));
    world.log.append("t", 1, ["d"]);
    assign(1);
    expect(ids(await take(world, member))).toBe("d");
  });

  test("that another process has already is not stored", async () => {
    const { world, group } = await twoPartitions();
    await finish(world, group.remove([T0], { lost: true }));
    expect(world.stores).toEqual([]);
    await finish(world, group.remove([T0]));
    expect(world.stores, "and one that is not there is nothing").toEqual([]);
  });

  test("is not taken for settled by a store that is under way", async () => {
    const { world, group, member, taken } = await twoPartitions();
    const ack = member.ack(positions(taken, "b"));
    await world.runtime.run(0);
    await finish(world, Promise.all([ack, group.remove([T0], { lost: true })]));
    expect(world.kept.get("t/0")).toBe("1;e1;0.0;1.0*1,.1,.1*1");
  });

  test.each([
    { how: "cannot be stored", lost: false, failures: ["away"] },
    { how: "is lost", lost: true, failures: [] },
  ])("and $how does not resolve acks that wait for their turn", async ({ lost, failures }) => {
    const { world, group, member, taken } = await twoPartitions();
    const first = member.ack(positions(taken, "d"));
    await world.runtime.run(1);
    const acks = Promise.allSettled(["a", "b"].map((id) => member.ack(positions(taken, id))));
    const removed = group.remove([T0], { lost }).catch(unavailable);
    await finish(world, first);
    for (const message of failures) world.storeFailures.push(new DistributionError("unavailable", message));
    const reason = { code: "unavailable" };
    expect(await finish(world, acks)).toMatchObject([{ reason }, { reason }]);
    await finish(world, removed);
    expect(world.kept.has("t/0")).toBe(false);
  });

  test("in good order resolves acks that wait for their turn", async () => {
    const { world, group, member, taken } = await twoPartitions();
    const first = member.ack(positions(taken, "d"));
    await world.runtime.run(1);
    const ack = member.ack(positions(taken, "a"));
    await finish(world, Promise.all([first, ack, group.remove([T0])]));
    expect(world.kept.get("t/0")).toBe("1;e1;1.0;.1*1,.1*1");
  });

  test("is gone even if it cannot be stored", async () => {
    const { world, group } = await twoPartitions();
    world.storeFailures.push(new Error("away"));
    await expect(finish(world, group.remove([T0]))).rejects.toThrow("away");
    expect(group.standing(T0)).toBeUndefined();
  });
});

describe("with time to finish", () => {
  test("members answer what they have and are given nothing new; it ends with the last answer", async () => {
    const { world, group, member, taken } = await twoPartitions();
    await finish(world, member.nack(positions(taken, "c"), 0));
    const removed = group.remove([T0], { waitMs: 10_000 });
    expect(await within(world, member.next(10), 100)).toBe("waiting");
    await finish(world, member.ack(positions(taken, "a")));
    expect(await within(world, removed, 100)).toBe("waiting");
    await finish(world, member.ack(positions(taken, "b")));
    await finish(world, removed);
    expect(world.kept.get("t/0")).toBe("1;e1;1.1;.1*1");
  });

  test("what is not answered in time is given up", async () => {
    const { world, group, member, taken } = await twoPartitions();
    await finish(world, member.ack(positions(taken, "a")));
    const removed = group.remove([T0], { waitMs: 200 });
    expect(await within(world, removed, 190)).toBe("waiting");
    await finish(world, removed);
    expect(world.kept.get("t/0")).toBe("1;e1;1.0;.1*1,.1*1");
  });

  test("a deadline that passes meanwhile ends the waiting for that event", async () => {
    const { world, group, member, taken } = await twoPartitions();
    await finish(world, member.ack(positions(taken, "a", "b")));
    const removed = group.remove([T0], { waitMs: 10_000 });
    expect(await within(world, removed, 900)).toBe("waiting");
    expect(await within(world, removed, 200)).not.toBe("waiting");
  });
});

test("progress that does not fit comes again from its far end, and nothing else does", async () => {
  const world = createWorld();
  const names = Array.from({ length: 400 }, (_, at) => `e${at}`);
  for (let at = 0; at < 400; at += 4) world.log.append("t", 0, names.slice(at, at + 4));
  const first = await createProcess(world, { maxBytes: 200 });
  const taken = await take(world, first.member, 400);
  const odd = taken.filter((_, at) => at % 2 === 1);
  await finish(world, first.member.ack(positions(odd)));
  expect(world.kept.get("t/0")!.length).toBeLessThanOrEqual(200);
  await finish(world, first.groups.close());
  const second = await createProcess(world);
  const again = await take(world, second.member, 400);
  const back = new Set(again.map(({ id }) => id));
  const settled = odd.map(({ id }) => id);
  const forgotten = settled.filter((id) => back.has(id));
  expect(again).toHaveLength(200 + forgotten.length);
  expect(forgotten.length).toBeGreaterThan(0);
  expect(forgotten.length).toBeLessThan(200);
  expect(settled.slice(-forgotten.length), "the far end").toEqual(forgotten);
});

/** A coordinator that moves partitions between processes, as a broker does. */
class Coordinator {
  readonly #world: World;
  readonly #owner = new Map<number, Process>();

  constructor(world: World) {
    this.#world = world;
  }

  owns(partition: number, process: Process | undefined): boolean {
    return this.#owner.get(partition) === process;
  }

  /** In good order, or as if the owner had not been heard of for too long. */
  async move(partition: number, to: Process, lost: boolean): Promise<void> {
    const owner = this.#owner.get(partition);
    if (owner === to) return;
    if (lost) this.#owner.set(partition, to);
    await owner?.group.remove([{ topic: "t", partition }], { lost, waitMs: lost ? 0 : 20 }).catch(unavailable);
    this.#owner.set(partition, to);
    to.assign(partition);
  }

  get settled(): boolean {
    return [...this.#owner].every(([partition, { group }]) => {
      const standing = group.standing({ topic: "t", partition });
      return standing?.unsettled === 0 && standing.readTo === this.#world.log.end("t", partition);
    });
  }
}

test.each([1, 2, 3, 4, 5, 6].map((seed) => ({ seed, lost: seed % 2 === 0 })))(
  "processes that win and lose partitions settle every event, and keep the order of keys: %j",
  async ({ seed, lost }) => {
    const world = createWorld(seed);
    const random = (below: number): number => Math.floor(world.runtime.random.next() * below);
    const history = createHistory();
    const observer = history.observer("the group", { redeliveries: true });
    const coordinator = new Coordinator(world);
    const processes: Process[] = [];
    for (let at = 0; at < 3; at += 1) {
      const owns = (partition: number) => coordinator.owns(partition, processes[at]);
      processes.push(await createProcess(world, { partitions: [], windowEvents: 40, owns }));
    }
    const acked = new Set<string>();
    const hands = new Map<string, GroupMember>();
    let over = false;

    const work = async (member: GroupMember): Promise<void> => {
      while (!over) {
        const taken = takenOf(await member.next(1 + random(8)));
        for (const { id, key } of taken) {
          expect(acked, "what was acked does not come again").not.toContain(id);
          observer.saw(id);
          // A process that was given up for lost still has its events.
          if (!lost) expect(hands.get(key) ?? member, "a key is in one pair of hands").toBe(member);
          hands.set(key, member);
        }
        await world.runtime.sleep(random(15));
        for (const { key } of taken) hands.delete(key);
        if (random(10) < 2) await member.nack(positions(taken), random(30)).catch(unavailable);
        else await member.ack(positions(taken)).then(() => taken.forEach(({ id }) => void acked.add(id)), unavailable);
      }
    };
    const second = await Promise.all(processes.map(({ groups }) => groups.join(JOIN)));
    const working = Promise.all([...processes.map(({ member }) => member), ...second].map(work));
    working.catch(() => undefined);

    for (let partition = 0; partition < 4; partition += 1) await coordinator.move(partition, processes[0]!, false);
    for (let round = 0; round < 60; round += 1) {
      const partition = random(4);
      const names = Array.from({ length: 1 + random(5) }, (_, at) => `e${round}-${at}:p${partition}k${random(3)}`);
      for (const name of names) {
        history.publish(name.split(":")[0]!, name.split(":")[1]!);
        history.settle(name.split(":")[0]!, "acknowledged");
      }
      world.log.append("t", partition, names);
      await world.runtime.run(random(20));
      if (random(8) === 0) world.storeFailures.push(new DistributionError("unavailable", "away"));
      if (round % 3 === 0) await finish(world, coordinator.move(random(4), processes[random(3)]!, lost));
    }
    world.storeFailures.length = 0;
    for (let step = 0; step < 5000 && !coordinator.settled; step += 1) await world.runtime.run(10);
    over = true;
    expect(coordinator.settled).toBe(true);
    for (const { groups } of processes) await finish(world, groups.close());
    await finish(world, working);
    assertFaultless(history.report());
  },
);

const unavailable = (failure: unknown): void => expect(failure).toMatchObject({ code: "unavailable" });
