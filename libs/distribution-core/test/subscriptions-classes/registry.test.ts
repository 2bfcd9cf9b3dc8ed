import { describe, expect, it } from "vitest";
import { interest, openRegistry, QUOTES, TRADES } from "./support.ts";

describe("the registry of interests", () => {
  it("gives equal interests one class and others one each, all on channels of their own", async () => {
    const { registry } = await openRegistry();
    const one = registry.acquire(interest({ keys: ["a"] }));
    expect(registry.acquire(interest({ keys: ["a"] }))).toBe(one);
    const other = registry.acquire(interest({ keys: ["b"] }));
    expect(other.channel).not.toBe(one.channel);
    expect(registry.classes).toBe(2);
  });

  it("keeps a class until everybody has let go of it", async () => {
    const { registry } = await openRegistry();
    const one = registry.acquire(interest());
    registry.acquire(interest());
    registry.release(one);
    expect(registry.classes).toBe(1);
    registry.release(one);
    expect(registry.classes).toBe(0);
    registry.release(one);
    expect(registry.acquire(interest()).channel).not.toBe(one.channel);
  });

  it("tells how many classes there are", async () => {
    const { registry, metrics } = await openRegistry();
    registry.acquire(interest());
    registry.acquire(interest({ mode: "latest" }));
    expect(metrics.render()).toContain("distribution_interest_classes 2");
  });

  it("gives every event to the classes that want it and to no other", async () => {
    const bench = await openRegistry();
    const all = bench.join(interest({ of: [QUOTES, TRADES] })).member;
    const a = bench.join(interest({ keys: ["a"] })).member;
    const one = bench.join(interest({ filter: 'data.id == "1"' })).member;
    const trades = bench.join(interest({ of: [TRADES] })).member;
    await bench.put(QUOTES.name, ["1:a", "2:b"], 0);
    await bench.put(QUOTES.name, ["3:a"], 1);
    await bench.put(TRADES.name, ["4:a"]);
    expect(all.ids).toEqual(["1", "2", "3", "4"]);
    expect(a.ids).toEqual(["1", "3"]);
    expect(one.ids).toEqual(["1"]);
    expect(trades.ids).toEqual(["4"]);
  });

  it("gives nothing to a class that was let go of, nor its events to the one that took its place", async () => {
    const bench = await openRegistry();
    const gone = bench.join(interest({ keys: ["a"] }));
    bench.registry.release(gone.shared);
    const next = bench.join(interest({ keys: ["b"] })).member;
    await bench.put(QUOTES.name, ["1:a", "2:b"]);
    expect(gone.member.ids).toEqual([]);
    expect(next.ids).toEqual(["2"]);
  });

  it("lets go of a class of mode latest while it still waits for its rate", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(interest({ mode: "latest", maxRate: 1 }));
    await bench.put(QUOTES.name, ["1:a"]);
    await bench.put(QUOTES.name, ["2:a"]);
    bench.registry.release(shared);
    await bench.runtime.run(5_000);
    expect(member.ids).toEqual(["1"]);
  });

  it("finds the wanted events of more classes than it had room for at first", async () => {
    const bench = await openRegistry();
    const members = Array.from({ length: 1_500 }, (_, copy) => bench.join(interest({ copy })).member);
    await bench.put(QUOTES.name, ["1:a"]);
    expect(members.filter(({ ids }) => ids.length === 1)).toHaveLength(1_500);
  });

  it("collects no more matches than its bound before it emits, in frames that follow each other", async () => {
    const bench = await openRegistry();
    const members = Array.from({ length: 700 }, (_, copy) => bench.join(interest({ copy })).member);
    const names = Array.from({ length: 100 }, (_, index) => `${index}:a`);
    await bench.put(QUOTES.name, names);
    for (const { ids, seen } of members) {
      expect(ids).toEqual(names.map((name) => name.split(":")[0]));
      // 65,536 of 70,000 first.
      expect(seen.map(({ events }) => events.length)).toEqual([94, 6]);
      expect(seen[0]!.upto).toBe(seen[0]!.offsets.at(-1));
      expect(seen[1]!.after).toBe(seen[0]!.upto);
    }
  });

  it("does not match for a class without members for long, and does again as soon as it has one", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(interest({ filter: 'data.id != "x"' }));
    const others = bench.join(interest()).member;
    const put = (from: number, count: number) =>
      bench.put(
        QUOTES.name,
        Array.from({ length: count }, (_, index) => `${from + index}:a`),
      );
    shared.leave(member);
    await put(0, 255);
    expect(bench.matched).toBe(2);
    shared.join(member);
    await put(255, 1);
    shared.leave(member);
    await put(256, 300);
    expect(bench.matched).toBe(1);
    shared.join(member);
    expect(bench.matched).toBe(2);
    await put(556, 2);
    expect(member.ids).toEqual(["255", "556", "557"]);
    expect(others.ids).toHaveLength(558);
    shared.leave(member);
    await put(558, 300);
    bench.registry.release(shared);
    await put(858, 1);
    expect(others.ids).toHaveLength(859);
  });

  it("has the chain of a class without members at the head, so that who joins gets what comes then", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(interest());
    const [lane] = shared.lanes;
    await bench.put(QUOTES.name, ["1:a"]);
    shared.leave(member);
    await bench.put(QUOTES.name, ["2:a"]);
    expect(lane!.chain).toEqual(lane!.tail.head);
    shared.join(member);
    await bench.put(QUOTES.name, ["3:a"]);
    expect(member.ids).toEqual(["1", "3"]);
    expect(member.seen[1]!.after).toBe(bench.tail.partitions(QUOTES.name)[0]!.placeBefore(2)!.offset);
  });

  it("decides one event at a time as it decides live ones", async () => {
    const bench = await openRegistry();
    const { shared, member } = bench.join(interest({ filter: 'data.id != "2"', keys: ["a", "b"] }));
    const all = bench.registry.acquire(interest());
    await bench.put(QUOTES.name, ["1:a", "2:a", "3:c", "4:b"]);
    const lane = shared.lanes[0]!;
    const { stored } = lane.tail.ring.find(0)!;
    const wanted = [0, 1, 2, 3].filter((index) => shared.selects(lane, stored, index));
    expect(wanted).toEqual([0, 3]);
    expect(member.ids).toEqual(["1", "4"]);
    expect([0, 1, 2, 3].every((index) => all.selects(all.lanes[0]!, stored, index))).toBe(true);
  });

  it("has a class's lanes in the order of its topics and their partitions", async () => {
    const { registry } = await openRegistry();
    const { lanes } = registry.acquire(interest({ of: [QUOTES, TRADES] }));
    expect(lanes.map(({ tail, index }) => `${index} ${tail.topic.name}/${tail.partition}`)).toEqual([
      "0 test.quotes/0",
      "1 test.quotes/1",
      "2 test.trades/0",
    ]);
  });

  it("stops its clocks when closed", async () => {
    const bench = await openRegistry();
    const { member } = bench.join(interest({ mode: "latest", maxRate: 1, keys: ["a"] }));
    await bench.put(QUOTES.name, ["1:a"]);
    await bench.put(QUOTES.name, ["2:a"]);
    bench.registry.close();
    await bench.runtime.run(60_000);
    expect(member.ids).toEqual(["1"]);
  });
});
