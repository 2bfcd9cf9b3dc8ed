/** What callers of `append` are told, whatever order the outcomes of its writes come in. */
import { type Appended, AppendUnsettled, type PartitionWrite } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { batchOf } from "@distribution/testkit/broker";
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { expect, test } from "vitest";
import { AppendCalls } from "../src/index.ts";

const TIMEOUT_MS = 1000;

function setUp(maxQueuedBytes = 1000) {
  const runtime = createSimulatedRuntime(1);
  const calls = new AppendCalls({
    ...{ runtime, timeoutMs: TIMEOUT_MS, maxQueuedBytes, engine: "The engine" },
    late: ({ waitsFor: { topic, partition } }) => new DistributionError("unavailable", `${topic}/${partition} is late`),
  });
  const batch = batchOf([{ id: "a", key: "k" }]);
  const writes: PartitionWrite[] = [0, 1].map((partition) => ({ topic: "t", partition, batch }));
  return { runtime, calls, begin: (bytes = 10) => calls.begin(writes, bytes) };
}

const at = (offset: string): Appended => ({ epoch: "e", offsetAt: () => offset });
const refused = new DistributionError("batch_too_large", "too large");

const failureOf = (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a call is answered when all of its writes are in the log", async () => {
  const { begin } = setUp();
  const call = begin();
  call.sent();
  call.sent();
  call.done(1, at("b"));
  call.done(0, at("a"));
  expect((await call.answer).map((one) => one.offsetAt(0))).toEqual(["a", "b"]);
});

test("of which nothing was sent, or nothing taken, it is dropped when its time is over, and that is all", async () => {
  const { runtime, calls, begin } = setUp();
  const [waiting, untaken] = [begin(), begin()];
  untaken.sent();
  untaken.unsent();
  const failures = [waiting, untaken].map(({ answer }) => failureOf(answer));
  await runtime.run(TIMEOUT_MS + 1);
  for (const failure of await Promise.all(failures)) {
    expect(failure).toMatchObject({ code: "unavailable", message: "t/0 is late" });
    expect(failure).not.toBeInstanceOf(AppendUnsettled);
  }
  expect([waiting.dropped, untaken.dropped]).toEqual([true, true]);
  waiting.refused(0, refused);
  waiting.giveUp(refused);
  await calls.idle();
});

test("of which a part may be in the log, it goes on after it was refused, until all of it is known", async () => {
  const { runtime, calls, begin } = setUp();
  const call = begin();
  call.sent();
  const failing = failureOf(call.answer);
  await runtime.run(TIMEOUT_MS + 1);
  const failure = (await failing) as AppendUnsettled;
  expect(failure).toBeInstanceOf(AppendUnsettled);
  expect(call.dropped).toBe(false);
  expect(calls.stuck(() => "It is away.")).toBe("1 refused appends may be in the log: It is away.");
  call.done(0, at("a"));
  call.giveUp(refused);
  call.sent();
  call.done(1, at("b"));
  const settled = await failure.settled;
  expect(settled.map((one) => [one?.epoch, one?.offsetAt(0), one?.has(0)])).toEqual([
    ["e", "a", true],
    ["e", "b", true],
  ]);
  expect(calls.stuck(() => undefined)).toBeUndefined();
});

test("it is dropped when the engine says later that it took nothing", async () => {
  const { runtime, begin } = setUp();
  const call = begin();
  call.sent();
  const failing = failureOf(call.answer);
  await runtime.run(TIMEOUT_MS + 1);
  call.unsent();
  expect(call.dropped).toBe(true);
  expect(await ((await failing) as AppendUnsettled).settled).toEqual([undefined, undefined]);
});

test("a write that is refused for good refuses the call at once; what is in the log of the rest is told", async () => {
  const { begin } = setUp();
  const [alone, other] = [begin(), begin()];
  alone.sent();
  alone.unsent();
  alone.refused(0, refused);
  expect(await failureOf(alone.answer)).toBe(refused);
  other.sent();
  other.sent();
  other.unsent();
  other.refused(1, refused, { epoch: "e", offsetAt: () => "part", has: (index) => index === 0 });
  const failure = (await failureOf(other.answer)) as AppendUnsettled;
  expect(failure).toMatchObject({ code: "batch_too_large", message: "too large" });
  other.done(0, at("a"));
  other.done(0, at("again"));
  expect((await failure.settled).map((one) => [one?.offsetAt(0), one?.has(1)])).toEqual([
    ["a", true],
    ["part", false],
  ]);
});

test("more than may wait is refused with the time to wait, but for a call alone", async () => {
  const { begin, calls, runtime } = setUp(100);
  const first = begin(1000);
  expect(() => begin(1)).toThrow(
    expect.objectContaining({
      ...{ code: "unavailable", retryAfterMs: 50 },
      message: "1000 of 100 bytes (maxQueuedBytes) wait for The engine; append again shortly.",
    }),
  );
  let idle = false;
  const ending = calls.idle().then(() => {
    idle = true;
  });
  await runtime.run(1);
  expect(idle).toBe(false);
  first.sent();
  first.done(0, at("a"));
  first.done(1, at("b"));
  await ending;
  const next = begin(1);
  next.giveUp(refused);
  expect(await failureOf(next.answer)).toBe(refused);
});

test("a partition that let an append wait for too long is tried by one at a time until it answers; others go on", async () => {
  const { runtime, calls } = setUp();
  const batch = batchOf([{ id: "a", key: "k" }]);
  const begin = (partition: number) => calls.begin([{ topic: "t", partition, batch }], 1);
  const stalled = expect.objectContaining({
    ...{ code: "unavailable", retryAfterMs: 1000, message: expect.stringContaining("has not answered for t/0") },
  });
  const [sent, behind] = [begin(0), begin(0)];
  sent.sent();
  const failures = [sent, behind].map(({ answer }) => failureOf(answer));
  await runtime.run(TIMEOUT_MS + 1);
  expect((await Promise.all(failures)).map((one) => one instanceof AppendUnsettled)).toEqual([true, false]);
  expect(() => begin(0)).toThrow(stalled);
  expect(() =>
    calls.begin(
      [1, 0].map((partition) => ({ topic: "t", partition, batch })),
      1,
    ),
  ).toThrow(stalled);
  const elsewhere = begin(1);
  elsewhere.sent();
  elsewhere.done(0, at("elsewhere"));
  expect(() => begin(0)).toThrow(stalled);
  // Nobody can tell what became of it: the next one tries, alone.
  sent.giveUp(refused);
  const next = begin(0);
  expect(() => begin(0)).toThrow(stalled);
  next.sent();
  next.done(0, at("next"));
  expect((await next.answer)[0]!.offsetAt(0)).toBe("next");
  for (const one of [begin(0), begin(0)]) one.done(0, at("again"));
});

test("an append that was never sent and whose time is over leaves its partition to the next one", async () => {
  const { runtime, begin } = setUp();
  for (let round = 0; round < 3; round += 1) {
    const failure = failureOf(begin().answer);
    if (round > 0) expect(() => begin()).toThrow("has not answered for t/0");
    await runtime.run(TIMEOUT_MS + 1);
    expect(await failure).toMatchObject({ message: "t/0 is late" });
  }
});

test("health is told when appends wait for long", async () => {
  const runtime = createSimulatedRuntime(1);
  const late = () => refused;
  const calls = new AppendCalls({ runtime, timeoutMs: 30_000, maxQueuedBytes: 100, engine: "The engine", late });
  const call = calls.begin([{ topic: "t", partition: 0, batch: batchOf([{ id: "a", key: "k" }]) }], 1);
  await runtime.run(4000);
  expect(calls.stuck(() => undefined)).toBeUndefined();
  await runtime.run(2000);
  expect(calls.stuck(() => undefined)).toBe("Appends wait for 6 s: The engine does not answer.");
  call.sent();
  call.done(0, at("a"));
  await call.answer;
});
