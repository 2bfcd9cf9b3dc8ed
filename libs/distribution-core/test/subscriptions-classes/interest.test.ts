import { describe, expect, it } from "vitest";
import { EventList } from "../../src/subscriptions/event-list.ts";
import { type Interest, identityOf } from "../../src/subscriptions/interest.ts";
import { storedOf } from "../tail/support.ts";
import { interest, QUOTES, TRADES } from "./support.ts";

describe("two interests", () => {
  it("are the same when all that decides what is sent is the same", () => {
    expect(identityOf(interest({ filter: 'data.id == "1"' }))).toBe(identityOf(interest({ filter: 'data.id == "1"' })));
  });

  it("are the same when their filters differ in spacing and the order of operands only", () => {
    const one = interest({ filter: 'data.id == "1" && key == "a"' });
    const other = interest({ filter: 'key  ==  "a"  &&  data.id=="1"' });
    expect(identityOf(one)).toBe(identityOf(other));
  });

  it.each<[string, Partial<Interest> & { filter?: string; of?: (typeof QUOTES)[] }]>([
    ["topics", { of: [QUOTES, TRADES] }],
    ["filter", { filter: 'data.id == "1"' }],
    ["keys", { keys: ["a"] }],
    ["projection", { projection: ["id"] }],
    ["payload form", { payload: "original" }],
    ["frame format", { frames: "proto" }],
    ["mode", { mode: "latest" }],
    ["rate", { maxRate: 2 }],
    ["tokens", { tokens: "every-frame" }],
    ["copy", { copy: 1 }],
  ])("are not the same when they differ in their %s", (_, more) => {
    expect(identityOf(interest(more))).not.toBe(identityOf(interest()));
  });

  it("are not confused by keys that contain what separates keys", () => {
    expect(identityOf(interest({ keys: ["a", "b"] }))).not.toBe(identityOf(interest({ keys: ['a","b'] })));
  });
});

describe("a list of events", () => {
  it("knows count, message bytes and offsets of what it holds, and nothing once cleared", () => {
    const list = new EventList();
    const stored = storedOf(["1", "2", "3"], 10);
    list.add(stored, 0, 100);
    list.add(stored, 2, 102);
    const { bounds } = stored.batch;
    expect(list.count).toBe(2);
    expect(list.bytes).toBe(bounds[1]! - bounds[0]! + bounds[5]! - bounds[4]!);
    expect([list.offsetAt(0), list.offsetAt(1), list.number[1]]).toEqual(["10", "12", 102]);
    list.clear();
    expect([list.count, list.bytes, list.stored, list.number]).toEqual([0, 0, [], []]);
  });
});
