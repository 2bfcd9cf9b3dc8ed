/** A partition that goes from one replica to the next, while what the one before had under way may still become durable. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { createSimulatedRuntime, type SimulatedRuntime } from "@distribution/testkit/simulation";
import { expect, test } from "vitest";
import type { ForeignPartition, ForeignProgress, ForeignReader, ForeignRecord } from "../../src/brokers/contract.ts";
import { AppendUnsettled, type Stored } from "../../src/brokers/unsettled.ts";
import { DistributionError } from "../../src/errors.ts";
import { decodeEvent, messageAt } from "../../src/events/index.ts";
import type { IngressTopic } from "../../src/ingress/contract.ts";
import { IngressLane, type LaneHost } from "../../src/ingress/lane.ts";
import { readNote } from "../../src/ingress/note.ts";
import { endedWithin } from "../../src/runtime/index.ts";

const TOPIC: IngressTopic = {
  ...{ from: "f", into: "t" },
  form: ({ value }) => Event.create({ id: Buffer.from(value!).toString(), source: "/oms", class: EventClass.TRADE }),
};

const recordOf = (offset: number): ForeignRecord => ({
  ...{ epoch: "e", offset: String(offset), key: undefined, headers: [], value: Buffer.from(String(offset)), time: 0n },
  events: () => expect.unreachable(),
});

/** The service's log has those in `log`; each read gives the next of `reads`. */
interface Scene {
  readonly runtime: SimulatedRuntime;
  readonly reads: (readonly number[])[];
  readonly log: Set<string>;
  readonly progress?: ForeignProgress;
}

function laneOf(
  { runtime, reads, log, progress }: Scene,
  more: Partial<LaneHost & Pick<ForeignPartition, "settle">> = {},
) {
  const published: { id: string; at: number }[] = [];
  const settled: ForeignProgress[] = [];
  const told: string[] = [];
  const begin = runtime.now;
  const host: LaneHost = {
    ...{ service: "s", runtime, compareOffsets: (a, b) => Number(a) - Number(b) },
    foreign: {
      partitions: async () => 1,
      join: () => expect.unreachable(),
      read: async (): Promise<ForeignReader> => {
        const closed = Promise.withResolvers<readonly ForeignRecord[]>();
        return {
          start: { epoch: "e", offset: "0" },
          next: async () => reads.shift()?.map(recordOf) ?? closed.promise,
          close: async () => closed.resolve([]),
        };
      },
    },
    async publish(batch) {
      for (let index = 0; index < batch.count; index += 1) {
        const { id } = decodeEvent(messageAt(batch, index));
        published.push({ id, at: runtime.now - begin });
        log.add(id);
      }
    },
    bury: async () => undefined,
    recollect: async (_since, wanted) =>
      new Set(wanted.flatMap((names, index) => (names.some((name) => log.has(name.split("\n")[1]!)) ? [index] : []))),
    took: () => undefined,
    lookedUp: () => undefined,
    broken: () => undefined,
    held: () => undefined,
    unsettled: () => void told.push("unsettled"),
    ...more,
  };
  const settle = more.settle ?? (async (one) => void settled.push(one));
  const lane = new IngressLane({
    ...{ topic: TOPIC, remembered: undefined, isAdded: false, host },
    partition: { topic: "f", partition: 0, progress, begun: true, ending: new AbortController().signal, settle },
  });
  return { lane, published, settled, told };
}

/** Another replica announced a second ago what may land for 30 s more. */
const begunUpTo = (runtime: SimulatedRuntime, offset: number): ForeignProgress => {
  const wall = runtime.clock.wallNs();
  const note = `begun ${offset} ${wall - 1_000_000_000n} ${wall + 30_000_000_000n}`;
  return { epoch: "e", offset: "0", note };
};

test("what another replica had begun is waited for, however few of its records the first read gives", async () => {
  const runtime = createSimulatedRuntime(1);
  const log = new Set(["1"]);
  const scene: Scene = { runtime, reads: [[1], [2, 3]], log, progress: begunUpTo(runtime, 3) };
  const { lane, published } = laneOf(scene);
  void lane.run();
  await runtime.run(29_000);
  // Of what it had under way a part lands late.
  log.add("2");
  await runtime.run(11_000);
  expect(published).toEqual([{ id: "3", at: expect.closeTo(30_000, -3) as unknown }]);
});

test("who leaves leaves word to wait for what a replica before had begun", async () => {
  const runtime = createSimulatedRuntime(1);
  const progress = begunUpTo(runtime, 4);
  const { lane, settled } = laneOf(
    { runtime, reads: [[1], [2, 3, 4]], log: new Set(["1"]), progress },
    { publish: () => Promise.reject(new DistributionError("unavailable", "Not now.")) },
  );
  const running = lane.run();
  await runtime.run(1_000);
  lane.stop();
  await running;
  expect(settled.map(({ offset, note }) => [offset, readNote(note)]).at(-1)).toEqual(["1", readNote(progress.note)]);
});

test("whose clock is far ahead is waited for once, as long as an append may take", async () => {
  const runtime = createSimulatedRuntime(1);
  const wall = runtime.clock.wallNs();
  const progress = { epoch: "e", offset: "0", note: `begun 3 ${wall} ${wall + 3_600_000_000_000n}` };
  const { lane, published } = laneOf({ runtime, reads: [[1], [2], [3]], log: new Set(), progress });
  void lane.run();
  await runtime.run(45_000);
  expect(published.map(({ id }) => id)).toEqual(["1", "2", "3"]);
});

test("a look-up without an end holds up nobody who stops", async () => {
  const runtime = createSimulatedRuntime(1);
  const scene = { runtime, reads: [[1]], log: new Set<string>(), progress: begunUpTo(runtime, 3) };
  const { lane, published } = laneOf(scene, { recollect: () => new Promise(() => undefined) });
  let ended = false;
  void lane.run().then(() => (ended = true));
  await runtime.run(1_000);
  lane.stop();
  await runtime.run(60_000);
  expect([ended, published]).toEqual([true, []]);
});

/** Publishes of it become durable so many ms after they began, unknown to who asked for them from 30 s on. */
const slow =
  ({ runtime, log }: Pick<Scene, "runtime" | "log">, landsMs: number): LaneHost["publish"] =>
  async (batch) => {
    const reason = new DistributionError("unavailable", "Not in time.");
    const landed = new Promise<void>((resolve) => {
      runtime.timers.after(landsMs, () => {
        for (let index = 0; index < batch.count; index += 1) log.add(decodeEvent(messageAt(batch, index)).id);
        resolve();
      });
    });
    if (await endedWithin(runtime, landed, 30_000)) return;
    const stored = { has: () => true, offsetAt: () => "1" } as unknown as Stored;
    const cause = new AppendUnsettled(
      reason,
      landed.then(() => [stored]),
    );
    throw new DistributionError("unavailable", reason.message, { cause });
  };

test.each([
  { landsMs: 8_000, told: [], twice: [] },
  { landsMs: 28_000, told: [], twice: [] },
  { landsMs: 38_000, told: [], twice: [] },
  { landsMs: 45_000, told: ["unsettled"], twice: ["1", "2"] },
  { landsMs: 90_000, told: ["unsettled"], twice: ["1", "2"] },
])(
  "an append that becomes durable $landsMs ms on, its partition handed over after 10 s, comes in once or is told",
  async ({ landsMs, told, twice }) => {
    const runtime = createSimulatedRuntime(1);
    const log = new Set<string>();
    let kept: ForeignProgress | undefined;
    let isLost = false;
    const before = laneOf(
      { runtime, log, reads: [[1, 2]] },
      {
        publish: slow({ runtime, log }, landsMs),
        async settle(progress) {
          if (isLost) throw new DistributionError("unavailable", "It is another replica's.");
          kept = progress;
        },
      },
    );
    void before.lane.run();
    await runtime.run(1);
    before.lane.stop();
    await runtime.run(10_000);
    isLost = true;
    const reads = kept!.offset === "0" ? [[1, 2]] : [];
    const after = laneOf({ runtime, log, reads, progress: kept! });
    void after.lane.run();
    await runtime.run(100_000);
    expect([...log]).toEqual(["1", "2"]);
    expect(after.published.map(({ id }) => id)).toEqual(twice);
    expect(before.told).toEqual(told);
  },
);
