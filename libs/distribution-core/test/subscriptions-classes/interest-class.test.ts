import { describe, expect, it } from "vitest";
import { packEvents } from "../../src/events/index.ts";
import { FRAME_BYTES } from "../../src/subscriptions/event-list.ts";
import { event, put } from "../tail/support.ts";
import { interest, openRegistry, QUOTES, RecordingMember, TRADES } from "./support.ts";

/** Every frame comes after the one before it on its partition. */
function expectChain(member: RecordingMember, partition: number): void {
  const lane = member.seen.filter((frame) => frame.partition === partition);
  for (const [at, frame] of lane.slice(1).entries()) expect(frame.after).toBe(lane[at]!.upto);
}

describe("an interest class", () => {
  it("encodes a frame once and gives it to every member as it is", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(interest());
    const { shared: same, member: other } = bench.join(interest());
    expect(same).toBe(shared);
    await bench.put(QUOTES.name, ["1:a", "2:b"]);
    expect(bench.encodings).toBe(1);
    expect(member.frames[0]).toBe(other.frames[0]);
    expect(member.seen).toEqual([
      expect.objectContaining({
        ...{ channel: shared.channel, topic: QUOTES.name, partition: 0, epoch: "e1" },
        ...{ after: "-1", upto: "1", offsets: ["0", "1"] },
      }),
    ]);
  });

  it("sends frames whose positions form one chain a partition, up to the head though its filter leaves events out", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(interest({ keys: ["a"] }));
    await bench.put(QUOTES.name, ["1:a", "2:b"], 0);
    await bench.put(QUOTES.name, ["3:b"], 0);
    await bench.put(QUOTES.name, ["4:a", "5:b"], 0);
    await bench.put(QUOTES.name, ["6:a"], 1);
    expect(member.ids).toEqual(["1", "4", "6"]);
    expect(member.seen.map(({ partition, after, upto }) => [partition, after, upto])).toEqual([
      [0, "-1", "1"],
      [0, "1", "4"],
      [1, "-1", "0"],
    ]);
  });

  it("takes a new member where its chain is", async () => {
    const bench = await openRegistry();
    const { shared } = bench.join(interest());
    await bench.put(QUOTES.name, ["1:a"]);
    const late = new RecordingMember();
    shared.join(late);
    await bench.put(QUOTES.name, ["2:a"]);
    expect(late.seen.map(({ after, upto }) => [after, upto])).toEqual([["0", "1"]]);
  });

  it("gives nothing to a member that left, and goes on for the others in any order of leaving", async () => {
    const bench = await openRegistry();
    const { shared, member: first } = bench.join(interest());
    const members = [first, new RecordingMember(), new RecordingMember(), new RecordingMember()];
    for (const member of members.slice(1)) shared.join(member);
    shared.leave(members[1]!);
    shared.leave(members[3]!);
    await bench.put(QUOTES.name, ["1:a"]);
    expect(members.map(({ ids }) => ids.length)).toEqual([1, 0, 1, 0]);
    shared.leave(members[0]!);
    await bench.put(QUOTES.name, ["2:a"]);
    shared.leave(members[2]!);
    await bench.put(QUOTES.name, ["3:a"]);
    expect(members.map(({ ids }) => ids.length)).toEqual([1, 0, 2, 0]);
    expect(shared.members).toBe(0);
  });

  it("counts what its members are past, whether it was delivered or not", async () => {
    const bench = await openRegistry();
    const { shared } = bench.join(interest({ keys: ["a"] }));
    await bench.put(QUOTES.name, ["1:a", "2:b", "3:a"]);
    expect(shared.counters).toEqual({ published: 3, delivered: 2, conflated: 0 });
    await bench.put(QUOTES.name, ["4:b"]);
    expect(shared.counters.published).toBe(3);
    shared.advance();
    expect(shared.counters).toEqual({ published: 4, delivered: 2, conflated: 0 });
  });

  it("lets members with bounded room leave before a frame that they cannot take, and nobody else", async () => {
    const bench = await openRegistry();
    const { shared, member: free } = bench.join(interest());
    const bounded = [0, 1, 2].map(() => new RecordingMember());
    for (const [room, member] of bounded.entries()) {
      member.limited = true;
      member.room = room;
      member.onRefused = () => shared.leave(member);
      shared.join(member);
    }
    await bench.put(QUOTES.name, ["1:a"]);
    expect(bounded.map(({ ids }) => ids)).toEqual([[], ["1"], ["1"]]);
    expect(shared.members).toBe(3);
    await bench.put(QUOTES.name, ["2:a", "3:a"]);
    expect(bounded.map(({ ids }) => ids)).toEqual([[], ["1"], ["1", "2", "3"]]);
    expect(free.ids).toEqual(["1", "2", "3"]);
  });

  it("splits what is larger than a frame, without a break in the chain, and reaches the head with the last", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(interest());
    const data = Buffer.from(JSON.stringify("x".repeat(FRAME_BYTES / 4)));
    const names = Array.from({ length: 11 }, (_, at) => `${at}:a`);
    const batch = packEvents(names.map((name) => event(name, { data })));
    void bench.broker.append([{ topic: QUOTES.name, partition: 0, batch }]);
    await bench.runtime.run(10);
    expect(member.seen.map(({ events }) => events.length)).toEqual([4, 4, 3]);
    expect(member.ids).toEqual(names.map((name) => name.split(":")[0]));
    expect(member.seen.map(({ upto }) => upto)).toEqual(["3", "7", "10"]);
    expectChain(member, 0);
  });

  it("carries a token at least once a second, true at the frame", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(interest());
    await bench.put(QUOTES.name, ["1:a"]);
    await bench.put(QUOTES.name, ["2:a"]);
    await bench.runtime.run(984);
    await bench.put(QUOTES.name, ["3:a"]);
    await bench.runtime.run(10);
    await bench.put(QUOTES.name, ["4:a"]);
    expect(member.seen.map(({ token }) => token)).toEqual(["0.0_1.-1", undefined, undefined, "0.3_1.-1"]);
  });

  it("carries a token in every frame when the interest asks for it", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(interest({ tokens: "every-frame" }));
    await bench.put(QUOTES.name, ["1:a"]);
    await bench.put(QUOTES.name, ["2:a"], 1);
    expect(member.seen.map(({ token }) => token)).toEqual(["0.0_1.-1", "0.0_1.0"]);
  });

  it("brings an idle chain to the head with an empty frame, once", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(interest({ keys: ["a"] }));
    await bench.put(QUOTES.name, ["1:b", "2:b"]);
    await bench.runtime.run(9_000);
    expect(member.seen).toEqual([]);
    await bench.runtime.run(1_000);
    expect(member.seen.map(({ after, upto, events }) => [after, upto, events.length])).toEqual([["-1", "1", 0]]);
    await bench.runtime.run(30_000);
    expect(member.seen).toHaveLength(1);
  });

  it("tells its members what the log lost, and goes on behind it", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(interest());
    await bench.put(QUOTES.name, ["1:a"]);
    bench.broker.lose(QUOTES.name, 0);
    await bench.runtime.run(500);
    await bench.put(QUOTES.name, ["2:a"]);
    expect(member.losses.map(({ lane, from, to }) => [lane.index, from.epoch, from.offset, to.offset])).toEqual([
      [0, "e1", "0", "-1"],
    ]);
    expect(member.seen.at(-1)).toMatchObject({ after: "-1", upto: "0" });
    expect(member.seen.at(-1)!.epoch).not.toBe("e1");
    expect(shared.counters).toEqual({ published: 2, delivered: 2, conflated: 0 });
  });
});

describe("an interest class of mode latest", () => {
  const latest = (more = {}) => interest({ mode: "latest", ...more });

  it("sends the newest event of each key, in the order of their last change, and counts the rest as conflated", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(latest());
    await bench.put(QUOTES.name, ["1:a", "2:b", "3:a", "4:c"]);
    expect(member.ids).toEqual(["2", "3", "4"]);
    expect(shared.counters).toEqual({ published: 4, delivered: 3, conflated: 1 });
    expect(member.seen[0]).toMatchObject({ after: "-1", upto: "3" });
  });

  it("flushes no more often than its rate, with what changed since", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(latest({ maxRate: 2 }));
    for (let at = 1; at <= 150; at += 1) await bench.put(QUOTES.name, [`${at}:a`]);
    await bench.runtime.run(600);
    expect(member.ids.at(0)).toBe("1");
    expect(member.ids.at(-1)).toBe("150");
    expect(member.ids).toHaveLength(3);
    expect(shared.counters).toEqual({ published: 150, delivered: 3, conflated: 147 });
    expectChain(member, 0);
  });

  it("sends nothing for changes that it does not want, but knows that they were published", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(latest({ keys: ["a"] }));
    await bench.put(QUOTES.name, ["1:b", "2:b"]);
    expect(member.seen).toEqual([]);
    expect(shared.counters).toEqual({ published: 2, delivered: 0, conflated: 1 });
    await bench.put(QUOTES.name, ["3:a"]);
    expect(member.seen.map(({ after, upto }) => [after, upto])).toEqual([["-1", "2"]]);
    expect(shared.counters).toEqual({ published: 3, delivered: 1, conflated: 1 });
  });

  it("brings an idle chain to the head with what it had not flushed", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(latest({ keys: ["a"] }));
    await bench.put(QUOTES.name, ["1:b"]);
    await bench.runtime.run(10_000);
    expect(member.seen.map(({ upto, events }) => [upto, events.length])).toEqual([["0", 0]]);
  });

  it("splits a flush that is larger than a frame", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(latest());
    const data = Buffer.from(JSON.stringify("x".repeat(FRAME_BYTES / 2)));
    const batch = packEvents(["1:a", "2:b", "3:a", "4:c"].map((name) => event(name, { data })));
    void bench.broker.append([{ topic: QUOTES.name, partition: 0, batch }]);
    await bench.runtime.run(10);
    expect(member.ids).toEqual(["2", "3", "4"]);
    expect(member.seen.map(({ after, upto }) => [after, upto])).toEqual([
      ["-1", "2"],
      ["2", "3"],
    ]);
    expect(shared.counters).toEqual({ published: 4, delivered: 3, conflated: 1 });
  });

  /** `k0` to below `k<count>`, each with the id that it has in this round. */
  const round = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, key) => `${name}${key}:k${key}`);

  it("sends a flush of very many keys in steps, between which others have their turns, in one chain", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(latest());
    const progress: number[] = [];
    const step = (): boolean => {
      progress.push(member.ids.length);
      return false;
    };
    member.onDelivered = () => bench.scheduler.add({ step });
    await bench.put(QUOTES.name, round("a", 900));
    expect(member.ids).toEqual(round("a", 900).map((name) => name.split(":")[0]));
    expect(progress).toEqual([512, 900]);
    expect(Math.max(...member.seen.map(({ events }) => events.length))).toBeLessThanOrEqual(512);
    expectChain(member, 0);
    expect(shared.counters).toEqual({ published: 900, delivered: 900, conflated: 0 });
  });

  it("goes on with what changes during a flush at the next one, each key's newest event once", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(latest({ maxRate: 1 }));
    await bench.put(QUOTES.name, ["0:k0"]);
    await bench.put(QUOTES.name, round("a", 900));
    member.onDelivered = () => {
      member.onDelivered = () => {};
      void put(bench.broker, QUOTES.name, ["b1:k1", "b800:k800"]);
    };
    await bench.runtime.run(3_000);
    const ids = member.ids.slice(1);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(-2)).toEqual(["b1", "b800"]);
    expect(new Set(ids.map((id) => id.slice(1))).size).toBe(900);
    expectChain(member, 0);
    const { published, delivered, conflated } = shared.counters;
    expect([published, delivered + conflated]).toEqual([903, 903]);
  });

  it("takes partitions in turns while it flushes", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(latest());
    void bench.put(QUOTES.name, round("a", 900), 0);
    await bench.put(QUOTES.name, round("b", 900), 1);
    expect(new Set(member.ids).size).toBe(1_800);
    const parts = member.seen.map(({ partition }) => partition);
    expect(parts.slice(0, 3)).not.toEqual([0, 0, 1]);
  });

  it("tells its members of trouble of a tail of theirs, when it comes and when it goes", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(interest());
    const { member: other } = bench.join(interest({ of: [TRADES] }));
    bench.broker.lose(QUOTES.name, 1);
    await bench.runtime.run(1_000);
    expect([member.troubles, other.troubles]).toEqual([2, 0]);
  });
});
