/** Laws of appends that are rejected although they were sent, on brokers behind something that breaks connections. */
import { type Appended, AppendUnsettled, type Broker } from "@distribution/core/brokers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { batchOf, readEvents } from "./support.ts";

/**
 * - `answer`: the next request with these bytes in it is carried out, its answer is lost, and nobody is reached any more;
 * - `stall`: nothing passes, either way;
 * - `away`: connections are cut, and nobody is reached any more.
 */
export type ConnectionFault = "answer" | "stall" | "away";

export interface DoubtfulBroker {
  /** One that gives up an append after less than a second. */
  readonly broker: Broker;
  fault(kind: ConnectionFault, bytes: string): void;
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** What the proxies of fault tests can do. */
export interface BreakableProxy {
  swallow(reads: number, answerTo: (request: Buffer) => boolean): Promise<void>;
  stall(): void;
  flow(): void;
  refuse(): void;
  accept(): Promise<void>;
  cut(): void;
}

/** By a proxy that the broker's connections go through. */
export function breakBy(proxy: BreakableProxy): Pick<DoubtfulBroker, "fault" | "heal"> {
  const leave = (): void => {
    proxy.refuse();
    proxy.cut();
  };
  return {
    fault(kind, bytes) {
      if (kind === "answer") void proxy.swallow(1, (request) => request.includes(bytes)).then(leave);
      else if (kind === "stall") proxy.stall();
      else leave();
    },
    async heal() {
      proxy.flow();
      await proxy.accept();
    },
  };
}

const FAULTS: readonly ConnectionFault[] = ["answer", "stall", "away"];
const ROUNDS = 6;
const CALLS = 3;
const PARTITIONS = [0, 1];

/** Where events are, by id. */
type Places = Map<string, string>;

export function describeAppendOutcomes(name: string, create: () => Promise<DoubtfulBroker>, timeoutMs: number): void {
  describe(`${name} tells the outcome of appends`, () => {
    let under: DoubtfulBroker;
    beforeAll(async () => {
      under = await create();
    }, timeoutMs);
    afterAll(async () => {
      await under?.close();
    });

    test.each(FAULTS)(
      "what a rejected append says of its events is what the log holds: %s",
      { timeout: timeoutMs },
      async (fault) => {
        const topic = `conformance.outcome-${fault}`;
        const { broker } = under;
        await broker.admin.ensureTopic({
          name: topic,
          partitions: PARTITIONS.length,
          retention: {},
          compaction: false,
        });
        const places: Places[] = PARTITIONS.map(() => new Map());
        const told = { taken: 0, unsettled: 0, refused: 0 };
        for (let round = 0; round < ROUNDS; round += 1) {
          if (round > 0) under.fault(fault, `event-${round}-`);
          const calls = Array.from({ length: CALLS }, (_, call) => callOf(topic, `event-${round}-${call}`));
          const outcomes = await Promise.allSettled(calls.map(({ writes }) => broker.append(writes)));
          await under.heal();
          for (const [call, outcome] of outcomes.entries()) {
            const appended = await appendedOf(outcome, told);
            for (const [partition, one] of appended.entries()) note(places[partition]!, calls[call]!.ids, one);
          }
        }
        for (const partition of PARTITIONS) {
          // The next one comes behind everything that was settled: it ends what is read.
          const id = `end-${partition}`;
          await untilTaken(broker, topic, partition, id);
          const read = await readTo(broker, topic, partition, id);
          const ids = read.map((one) => one.id).filter((one) => !one.startsWith("end-"));
          expect(new Set(ids).size, "events that are there once").toBe(ids.length);
          expect(new Map(read.filter((one) => ids.includes(one.id)).map((one) => [one.id, one.offset]))).toEqual(
            places[partition],
          );
        }
        expect(told.taken).toBeGreaterThanOrEqual(CALLS);
        if (fault === "answer") expect(told.unsettled).toBeGreaterThan(0);
      },
    );
  });
}

/** Two events for each partition. */
function callOf(topic: string, prefix: string) {
  const ids = [`${prefix}-a`, `${prefix}-b`];
  const batch = batchOf(ids.map((id) => ({ id, key: "k" })));
  return { ids, writes: PARTITIONS.map((partition) => ({ topic, partition, batch })) };
}

interface Told {
  taken: number;
  unsettled: number;
  refused: number;
}

/** Of each write: where it is and how much of it. */
async function appendedOf(outcome: PromiseSettledResult<readonly Appended[]>, told: Told) {
  const all = () => true;
  if (outcome.status === "fulfilled") {
    told.taken += 1;
    return outcome.value.map(({ epoch, offsetAt }, at) => ({
      epoch,
      offsetAt: offsetAt.bind(outcome.value[at]),
      has: all,
    }));
  }
  expect(outcome.reason).toMatchObject({ code: "unavailable" });
  if (outcome.reason instanceof AppendUnsettled) {
    told.unsettled += 1;
    return outcome.reason.settled;
  }
  told.refused += 1;
  return PARTITIONS.map(() => undefined);
}

function note(
  places: Places,
  ids: readonly string[],
  stored: (Appended & { has(at: number): boolean }) | undefined,
): void {
  for (const [at, id] of ids.entries()) if (stored?.has(at) === true) places.set(id, stored.offsetAt(at));
}

async function untilTaken(broker: Broker, topic: string, partition: number, id: string): Promise<void> {
  for (;;) {
    const batch = batchOf([{ id, key: "k" }]);
    const failure = await broker.append([{ topic, partition, batch }]).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    if (failure instanceof AppendUnsettled && (await failure.settled)[0] !== undefined) return;
    // A partition that let others wait for too long may refuse it at once.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function readTo(broker: Broker, topic: string, partition: number, id: string) {
  const reader = await broker.read(topic, partition, { at: "earliest" });
  const read: Awaited<ReturnType<typeof readEvents>> = [];
  while (!read.some((one) => one.id === id)) read.push(...(await readEvents(reader, 1)));
  await reader.close();
  return read;
}
