import { describe, expect, it } from "vitest";
import { Lane } from "../src/subscription/lane.ts";

const at = (offset: number) => ({ topic: "t", partition: 0, epoch: "e", offset: String(offset) });

/** A frame of first deliveries; tells what was admitted as what. */
function deliver(lane: Lane, after: number, ...offsets: number[]): string[] {
  lane.follow(at(after), at(offsets.at(-1) ?? after));
  return offsets.map((offset) => lane.admit(at(offset)));
}

describe("one partition of an at-least-once subscription", () => {
  it("resumes before the oldest event that is not settled, and after everything when none is out", () => {
    const lane = new Lane(at(0));
    deliver(lane, 0, 1, 2, 3);
    for (const offset of [1, 2, 3]) lane.take(at(offset));
    expect(lane.settle(at(2))).toBe(true);
    expect(lane.resume.offset).toBe("0");
    expect(lane.settle(at(1))).toBe(true);
    expect(lane.resume.offset).toBe("2");
    expect(lane.settle(at(3))).toBe(true);
    expect(lane.settle(at(3))).toBe(false);
    deliver(lane, 3);
    lane.follow(at(3), at(9));
    expect(lane.resume.offset).toBe("9");
  });

  it("knows what a new session sends again, also what was settled while the session was asked for", () => {
    const lane = new Lane(at(0));
    deliver(lane, 0, 1, 2, 3);
    lane.take(at(1));
    expect(lane.replay().offset).toBe("0");
    lane.settle(at(1));
    lane.start(at(0));
    expect(deliver(lane, 0, 1, 2, 3, 4)).toEqual(["settled", "duplicate", "duplicate", "new"]);
  });

  it("does not fall back behind what is settled when a replay breaks off", () => {
    const lane = new Lane(at(0));
    deliver(lane, 0, 1, 2);
    lane.replay();
    lane.start(at(0));
    deliver(lane, 0, 1);
    for (const offset of [1, 2]) {
      lane.take(at(offset));
      lane.settle(at(offset));
    }
    expect(lane.replay().offset).toBe("2");
  });

  it("takes a new event after a replay to mean that nothing more comes again", () => {
    const lane = new Lane(at(0));
    deliver(lane, 0, 1, 2);
    lane.take(at(1));
    lane.take(at(2));
    lane.settle(at(1));
    lane.settle(at(2));
    deliver(lane, 2, 3);
    lane.replay();
    lane.start(at(2));
    // 3 was conflated away by 4.
    expect(deliver(lane, 2, 4)).toEqual(["new"]);
    expect(lane.resume.offset).toBe("2");
  });

  it("shows a redelivery only of what is in the consumer's hands or was refused", () => {
    const lane = new Lane(at(0));
    deliver(lane, 0, 1, 2);
    expect(lane.admitAgain(at(1))).toBe(false);
    lane.take(at(1));
    expect(lane.admitAgain(at(1))).toBe(true);
    lane.take(at(1));
    lane.nack(at(1));
    expect(lane.isTaken(at(1))).toBe(false);
    expect(lane.admitAgain(at(1))).toBe(true);
    lane.settle(at(1));
    expect(lane.take(at(1))).toBe(false);
    expect(lane.admitAgain(at(1))).toBe(false);
    expect(lane.nack(at(2))).toBe(false);
  });
});
