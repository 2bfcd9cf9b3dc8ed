import fc from "fast-check";
import { expect, test } from "vitest";
import { assign, type MemberClaim, type TopicPartitions } from "../src/groups/assignment.ts";

const claim = (
  id: string,
  topics: readonly string[],
  owned: readonly TopicPartitions[] = [],
  generation = 1,
): MemberClaim => ({
  ...{ id, topics, owned, generation },
});

const spots = (given: readonly TopicPartitions[] = []): string[] =>
  given.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}/${partition}`));

/** Rounds until nothing moves: members join with what they were given. */
function rounds(claims: readonly MemberClaim[], counts: ReadonlyMap<string, number>): Map<string, TopicPartitions[]> {
  let now = claims;
  for (let round = 1; round < 10; round += 1) {
    const given = assign(now, counts);
    const next = now.map((one) => claim(one.id, one.topics, given.get(one.id), round + 1));
    if (JSON.stringify(next.map(({ owned }) => owned)) === JSON.stringify(now.map(({ owned }) => owned))) return given;
    now = next;
  }
  throw new Error("It does not settle.");
}

test("partitions are shared as evenly as can be", () => {
  const given = assign([claim("a", ["t"]), claim("b", ["t"]), claim("c", ["t"])], new Map([["t", 8]]));
  expect([...given.values()].map((one) => spots(one).length).sort()).toEqual([2, 3, 3]);
});

test("a newcomer is given a partition only after its owner has let go of it", () => {
  const counts = new Map([["t", 4]]);
  const had = [{ topic: "t", partitions: [0, 1, 2, 3] }];
  const first = assign([claim("a", ["t"], had), claim("b", ["t"], [], -1)], counts);
  expect(spots(first.get("a"))).toHaveLength(2);
  expect(spots(first.get("b"))).toEqual([]);
  const second = assign([claim("a", ["t"], first.get("a"), 2), claim("b", ["t"], [], 2)], counts);
  expect(second.get("a")).toEqual(first.get("a"));
  expect(spots(second.get("b"))).toHaveLength(2);
});

test("of two who claim one partition, the one who was there in the later round has it", () => {
  const given = assign(
    [
      claim("a", ["t"], [{ topic: "t", partitions: [0, 1] }], 3),
      claim("b", ["t"], [{ topic: "t", partitions: [1] }], 5),
    ],
    new Map([["t", 2]]),
  );
  expect(spots(given.get("a"))).toEqual(["t/0"]);
  expect(spots(given.get("b"))).toEqual(["t/1"]);
});

test("topics that are gone and topics that nobody wants are given to nobody", () => {
  const owned = [{ topic: "gone", partitions: [0] }];
  const given = assign(
    [claim("a", ["t", "gone"], owned)],
    new Map([
      ["t", 1],
      ["unwanted", 3],
    ]),
  );
  expect(spots(given.get("a"))).toEqual(["t/0"]);
});

test("whoever wants what: it settles, each partition has one of those who want it, none is idle while another has two more", () => {
  const topic = fc.constantFrom("t1", "t2", "t3");
  const owned = fc.array(fc.record({ topic, partitions: fc.uniqueArray(fc.nat(5), { maxLength: 4 }) }), {
    maxLength: 3,
  });
  const members = fc.array(fc.tuple(fc.uniqueArray(topic, { minLength: 1 }), owned, fc.nat(3)), {
    minLength: 1,
    maxLength: 6,
  });
  const counts = fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7));
  fc.assert(
    fc.property(members, counts, (all, [t1, t2, t3]) => {
      const topics = new Map([
        ["t1", t1],
        ["t2", t2],
        ["t3", t3],
      ]);
      const claims = all.map(([wanted, has, generation], at) => claim(`m${at}`, wanted, has, generation));
      const given = rounds(claims, topics);
      const seen = [...given.values()].flatMap(spots);
      expect(new Set(seen).size).toBe(seen.length);
      for (const [name, count] of topics) {
        const wanting = claims.filter((one) => one.topics.includes(name));
        expect(seen.filter((spot) => spot.startsWith(`${name}/`))).toHaveLength(wanting.length === 0 ? 0 : count);
        for (const one of wanting)
          for (const other of wanting) {
            const has = spots(given.get(other.id)).some((spot) => spot.startsWith(`${name}/`));
            const more = spots(given.get(other.id)).length - spots(given.get(one.id)).length;
            if (has) expect(more).toBeLessThanOrEqual(1);
          }
      }
    }),
  );
});
