/** Laws of order within a group: a key is in one pair of hands, in log order, and holds back nothing but itself. */
import type { GroupMember } from "@distribution/core/brokers";
import { expect, test } from "vitest";
import { createHistory } from "../history/index.ts";
import { idsTaken, positionsTaken, publish, withMembers } from "./group-support.ts";
import { type LawContext, needs } from "./law-context.ts";
import { type TakenEvent, takeEvents, within } from "./support.ts";

export function groupOrderLaws(context: LawContext): void {
  test("events of one key come in log order, and are never in the hands of two members at a time", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    const group = { name: topic, topics: [topic] };
    const names = Array.from({ length: 120 }, (_, at) => `e${at}:k${at % 4}`);
    await withMembers(context, [group, group, group], async (...members) => {
      const history = createHistory();
      for (const name of names) {
        const [id, key] = name.split(":");
        history.publish(id!, key!);
        history.settle(id!, "acknowledged");
      }
      const observer = history.observer("the group");
      const hands = new Map<string, GroupMember>();
      const work = async (member: GroupMember, size: number): Promise<void> => {
        for (;;) {
          const taken = await within(takeEvents(member, 1), context.quietMs);
          if (taken === "waiting") return;
          for (const { id, key } of taken) {
            expect(hands.get(key) ?? member).toBe(member);
            hands.set(key, member);
            observer.saw(id);
          }
          await new Promise((resolve) => setTimeout(resolve, size));
          for (const { key } of taken) hands.delete(key);
          await member.ack(positionsTaken(taken));
        }
      };
      await publish(context, topic, names);
      await Promise.all(members.map((member, at) => work(member, at)));
      expect(history.report()).toMatchObject({ faultless: true, seen: 120 });
    });
  });

  test("while one member holds a key, its later events do not go to another", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    const group = { name: topic, topics: [topic] };
    await publish(context, topic, ["a1:a"]);
    await withMembers(context, [group, group], async (first, second) => {
      // Whichever member its broker hands the key to.
      const early = [first!, second!].map((member) => takeEvents(member, 1).then((taken) => ({ member, taken })));
      const { member: holder, taken } = await Promise.race(early);
      const other = holder === first ? early[1]! : early[0]!;
      await publish(context, topic, ["a2:a"]);
      expect(await within(other, context.quietMs)).toBe("waiting");
      await holder.ack(positionsTaken(taken));
      const next = await Promise.race([other.then((later) => later.taken), takeEvents(holder, 1)]);
      expect(idsTaken(next)).toEqual(["a2"]);
    });
  });

  test("a nacked event holds back its own key only", async (test) => {
    needs(test, context, "delayedRedelivery");
    needs(test, context, "keyShared");
    const topic = await context.topic();
    await publish(context, topic, ["a1:a", "a2:a", "b1:b", "b2:b"]);
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      const [first] = await takeEvents(member!, 1);
      expect(first!.id).toBe("a1");
      await member!.nack([first!.position], 2 * context.quietMs);
      const others = await takeEvents(member!, 2);
      expect(idsTaken(others)).toEqual(["b1", "b2"]);
      await member!.ack(positionsTaken(others));
      const again = await takeEvents(member!, 2);
      expect(idsTaken(again)).toEqual(["a1", "a2"]);
      expect(again.map(({ attempt }) => attempt)).toEqual([2, 1]);
    });
  });

  test("events without a key hold back nothing", async (test) => {
    needs(test, context, "delayedRedelivery");
    needs(test, context, "keyShared");
    const topic = await context.topic();
    await publish(context, topic, ["x:", "y:", "z:"]);
    await withMembers(context, [{ name: topic, topics: [topic] }], async (member) => {
      const [first] = await takeEvents(member!, 1);
      await member!.nack([first!.position], 60_000);
      const rest = await takeEvents(member!, 2);
      expect([first!.id, ...idsTaken(rest)].sort()).toEqual(["x", "y", "z"]);
    });
  });

  test("a member that closes with a key in hand gives it up in order", async (test) => {
    needs(test, context, "groups");
    const topic = await context.topic();
    const group = { name: topic, topics: [topic] };
    await publish(context, topic, ["a1:a", "a2:a", "a3:a"]);
    await withMembers(context, [group], async (first) => {
      await takeEvents(first!, 2);
    });
    await withMembers(context, [group], async (second) => {
      const taken: TakenEvent[] = await takeEvents(second!, 3);
      expect(idsTaken(taken)).toEqual(["a1", "a2", "a3"]);
    });
  });
}
