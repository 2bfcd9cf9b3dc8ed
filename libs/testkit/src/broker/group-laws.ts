/** Laws of groups: who is given what, what settles it, and when it comes again. */
import type { GroupMember } from "@distribution/core/brokers";
import { expect, test } from "vitest";
import { idsTaken, positionsTaken, publish, withMembers } from "./group-support.ts";
import { type LawContext, needs } from "./law-context.ts";
import { type TakenEvent, takeEvents, within } from "./support.ts";

export function groupLaws(context: LawContext): void {
  const quiet = async (member: GroupMember): Promise<void> => {
    expect(await within(member.next(100), context.quietMs)).toBe("waiting");
  };

  test("earliest begins with the oldest event, at attempt 1", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await publish(context, topic, ["a", "b"]);
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      const taken = await takeEvents(member!, 2);
      expect(idsTaken(taken).sort()).toEqual(["a", "b"]);
      expect(taken.map(({ attempt }) => attempt)).toEqual([1, 1]);
    });
  });

  test("latest begins with what is appended after the group began", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await publish(context, topic, ["old"]);
    await withMembers(context, [{ name: topic, topics: [topic], from: "latest" }], async (member) => {
      await publish(context, topic, ["new"]);
      expect(idsTaken(await takeEvents(member!, 1))).toEqual(["new"]);
    });
  });

  test("each event goes to one member", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    const group = { name: topic, topics: [topic] };
    await withMembers(context, [group, group], async (first, second) => {
      const taken: TakenEvent[] = [];
      const work = async (member: GroupMember): Promise<void> => {
        while (taken.length < 60) {
          const batch = await within(takeEvents(member, 1), context.quietMs);
          if (batch === "waiting") return;
          taken.push(...batch);
          await member.ack(positionsTaken(batch));
        }
      };
      const names = Array.from({ length: 60 }, (_, at) => `e${at}`);
      await publish(context, topic, names);
      await Promise.all([work(first!), work(second!)]);
      expect(idsTaken(taken).sort()).toEqual(names.sort());
    });
  });

  test("two groups are given everything, each for itself", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await publish(context, topic, ["a", "b"]);
    const groups = [1, 2].map((number) => ({ name: `${topic}-${number}`, topics: [topic] }));
    await withMembers(context, groups, async (first, second) => {
      for (const member of [first!, second!]) expect(idsTaken(await takeEvents(member, 2)).sort()).toEqual(["a", "b"]);
    });
  });

  test("a group of several topics is given the events of all", async (test) => {
    needs(test, context, "groups");
    const topics = [await context.topic(), await context.topic()];
    for (const [at, topic] of topics.entries()) await publish(context, topic, [`e${at}`]);
    await withMembers(context, [{ name: topics[0]!, topics }], async (member) => {
      const taken = await takeEvents(member!, 2);
      expect(taken.map(({ id, position }) => `${id} ${position.topic}`).sort()).toEqual(
        topics.map((topic, at) => `e${at} ${topic}`),
      );
    });
  });

  test("next gives at most maxEvents", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await publish(context, topic, ["a", "b", "c", "d", "e"]);
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      let taken = 0;
      while (taken < 5) {
        const count = (await member!.next(2)).reduce((sum, { batch }) => sum + batch.count, 0);
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThanOrEqual(2);
        taken += count;
      }
    });
  });

  test("ack settles for good: what is settled does not come again, to nobody", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    const group = { name: topic, topics: [topic], ackTimeoutMs: context.quietMs };
    await publish(context, topic, ["a", "b"]);
    await withMembers(context, [group], async (member) => {
      await member!.ack(positionsTaken(await takeEvents(member!, 2)));
      await quiet(member!);
    });
    await withMembers(context, [group], quiet);
  });

  test("ack of single events leaves the others out", async (test) => {
    needs(test, context, "individualAck");
    const topic = await context.topic();
    const group = { name: topic, topics: [topic] };
    await publish(context, topic, ["a", "b", "c"]);
    await withMembers(context, [group], async (member) => {
      const taken = await takeEvents(member!, 3);
      await member!.ack(positionsTaken(taken.filter(({ id }) => id !== "b")));
    });
    await withMembers(context, [group], async (member) => {
      expect(idsTaken(await takeEvents(member!, 1))).toEqual(["b"]);
      await quiet(member!);
    });
  });

  test("ack may be repeated", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await publish(context, topic, ["a"]);
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      const taken = positionsTaken(await takeEvents(member!, 1));
      await member!.ack(taken);
      await member!.ack(taken);
      expect(await context.broker.admin.lag(topic, topic)).toEqual([0]);
    });
  });

  test("nack brings the event again after the delay, not before, and counts the attempt", async (test) => {
    needs(test, context, "delayedRedelivery");
    const topic = await context.topic();
    await publish(context, topic, ["a"]);
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      const delayMs = 2 * context.quietMs;
      const since = performance.now();
      await member!.nack(positionsTaken(await takeEvents(member!, 1)), delayMs);
      const [again] = await takeEvents(member!, 1);
      expect(performance.now() - since).toBeGreaterThanOrEqual(delayMs - 5);
      expect(again).toMatchObject({ id: "a", attempt: 2 });
      await member!.nack([again!.position], 0);
      expect((await takeEvents(member!, 1))[0]).toMatchObject({ id: "a", attempt: 3 });
    });
  });

  test("an event that is not answered in time comes again", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await publish(context, topic, ["a"]);
    const ackTimeoutMs = context.quietMs;
    await withMembers(context, [{ name: topic, topics: [topic], ackTimeoutMs }], async (member) => {
      await takeEvents(member!, 1);
      expect((await takeEvents(member!, 1))[0]).toMatchObject({ id: "a", attempt: 2 });
    });
  });

  test("extend gives an event more time from now", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await publish(context, topic, ["a"]);
    const ackTimeoutMs = 2 * context.quietMs;
    await withMembers(context, [{ name: topic, topics: [topic], ackTimeoutMs }], async (member) => {
      const taken = positionsTaken(await takeEvents(member!, 1));
      await member!.extend(taken, 20 * ackTimeoutMs);
      expect(await within(member!.next(1), 2 * ackTimeoutMs)).toBe("waiting");
      await member!.ack(taken);
    });
  });

  test("when a member closes, what it held goes to the others", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    const group = { name: topic, topics: [topic] };
    await publish(context, topic, ["a", "b"]);
    await withMembers(context, [group, group], async (first, second) => {
      await takeEvents(first!, 2);
      const next = takeEvents(second!, 2);
      await first!.close();
      const taken = await next;
      expect(idsTaken(taken).sort()).toEqual(["a", "b"]);
      expect(taken.map(({ attempt }) => attempt)).toEqual([2, 2]);
    });
  });

  test("a member that waits resolves with nothing when it is closed, and so does every later next", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      const next = member!.next(1);
      await within(next, 20);
      await member!.close();
      expect(await next).toEqual([]);
      expect(await member!.next(1)).toEqual([]);
      await member!.close();
    });
  });

  test("lag counts the events that the group has not settled", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic({ partitions: 2 });
    await publish(context, topic, ["a", "b", "c"]);
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      const taken = await takeEvents(member!, 3);
      expect(await context.broker.admin.lag(topic, topic)).toEqual([3, 0]);
      await member!.ack(positionsTaken(taken.slice(0, 1)));
      expect(await context.broker.admin.lag(topic, topic)).toEqual([2, 0]);
      await member!.ack(positionsTaken(taken));
      expect(await context.broker.admin.lag(topic, topic)).toEqual([0, 0]);
    });
  });

  test("a group of an unknown topic is refused with unknown_topic", async (test) => {
    needs(test, context, "groups");
    const options = { name: "g", topics: ["conformance.no-such"], from: "earliest", ackTimeoutMs: 1000 } as const;
    await expect(context.broker.group(options)).rejects.toMatchObject({ code: "unknown_topic" });
  });
}
