/**
 * Replicas that share an ingress topic, in simulated time: they are killed, cut off from their group without knowing, stopped and
 * started, while appends take long and fail, and reads give as many records as they like. Ingest's own window is short, so that nothing else hides a double.
 */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { createMemoryBroker, createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, test } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { AppendUnsettled } from "../../src/brokers/unsettled.ts";
import { DistributionError } from "../../src/errors.ts";
import { decodeEvent, messageAt } from "../../src/events/index.ts";
import { createIngress, deadLettersTopic, type Ingress, type RecordMapping } from "../../src/ingress/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { open, topic } from "../ingest/support.ts";
import { createRecorder } from "../tail/support.ts";
import { MemoryForeign } from "./foreign.ts";

const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 40);
const FROM = "fills";
const INTO = topic("sim.fills", 2);
const DEAD = deadLettersTopic("sim");
const OWN = [INTO, DEAD];
const PARTITIONS = 3;
const WINDOW = { windowMs: 10_000, windowEvents: 10_000, inFlightEvents: 10_000, sequenceKeys: 2 };

const form: RecordMapping = ({ value }, { partition }) => {
  const id = Buffer.from(value!).toString();
  if (id.startsWith("bad")) throw new Error("no fill");
  return Event.create({
    ...{ id, source: "/oms", type: "sim.fill.v1", key: `k${partition}`, class: EventClass.ORDER },
    ...{ contentType: "application/json", data: Buffer.from("{}") },
  });
};

class World {
  readonly runtime;
  readonly broker: Broker;
  readonly foreign = new MemoryForeign();
  readonly replicas: Replica[] = [];
  /** By partition. */
  readonly written: string[][] = Array.from({ length: PARTITIONS }, () => []);
  isCalm = false;
  /** Appends are refused until then, monotonic ms. */
  awayUntil = 0;
  #count = 0;

  constructor(seed: number) {
    this.runtime = createSimulatedRuntime(seed);
    this.broker = createMemoryBroker(this.runtime);
    this.foreign.giving = (count) => 1 + this.below(Math.min(count, 3));
    this.foreign.create(FROM, PARTITIONS);
  }

  /** A whole number below this. */
  below(count: number): number {
    return Math.floor(this.runtime.random.next() * count);
  }

  write(): void {
    const partition = this.below(PARTITIONS);
    for (let left = 1 + this.below(5); left > 0; left -= 1) {
      const id = `${this.below(10) === 0 ? "bad" : "fill"}-${this.#count++}`;
      this.written[partition]!.push(id);
      this.foreign.write(FROM, { value: id }, partition);
    }
  }

  async start(): Promise<void> {
    this.replicas.push(await startReplica(this));
  }

  take(): Replica | undefined {
    return this.replicas.splice(this.below(this.replicas.length), 1)[0];
  }

  async log(name: string): Promise<Event[][]> {
    const infos = await this.broker.admin.partitions(name);
    return Promise.all(
      infos.map(async ({ partition, end }) => {
        const events: Event[] = [];
        const reader = await this.broker.read(name, partition, { at: "earliest" });
        for (let at = reader.start.offset; at !== end; ) {
          for (const stored of await reader.next(1 << 20)) {
            for (let index = 0; index < stored.batch.count; index += 1) {
              events.push(decodeEvent(messageAt(stored.batch, index)));
            }
            at = stored.offsetAt(stored.batch.count - 1);
          }
        }
        await reader.close();
        return events;
      }),
    );
  }
}

interface Replica {
  readonly ingress: Ingress;
  kill(): void;
  /** It goes on for a while as if nothing had happened. */
  cutOff(): void;
}

async function startReplica(world: World): Promise<Replica> {
  const { runtime, broker } = world;
  const process = world.foreign.process();
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  const append: Broker["append"] = async (writes) => {
    if (isDead) return never;
    const fate = world.isCalm ? 9 : world.below(10);
    // An append's own deadline is 30 s; what was sent lands, whoever sent it is dead or not.
    await runtime.sleep(fate === 0 ? world.below(29_000) : world.below(5));
    if (fate === 1 || runtime.now < world.awayUntil) throw new DistributionError("unavailable", "Not now.");
    if (fate === 2) {
      const late = runtime.sleep(world.below(20_000)).then(() => broker.append(writes));
      const settled = late.then((appended) =>
        isDead ? never : appended.map((each) => ({ ...each, has: () => true })),
      );
      throw new AppendUnsettled(new DistributionError("unavailable", "Not known."), settled);
    }
    const result = await broker.append(writes);
    return isDead ? never : result;
  };
  const own: Broker = { ...broker, append };
  const identity = { subject: "service:sim", attributes: {} };
  const { ingest } = await open({ broker: own, topics: OWN, runtime, ownIdentity: identity, bounds: WINDOW });
  const { foreign } = process;
  const ingress = createIngress({
    ...{ service: "sim", ingress: [{ from: FROM, into: INTO.name, form }], topics: OWN, ingest, ownIdentity: identity },
    ...{ runtime, logger: createRecorder(), metrics: createMetrics(), onError: () => undefined },
    broker: { ...own, foreign },
    progress: { load: () => undefined, save: () => undefined, flush: async () => undefined },
  });
  return {
    ingress,
    kill() {
      isDead = true;
      process.cutOff();
    },
    cutOff() {
      const tell = process.cutOff();
      runtime.timers.after(world.below(40_000), tell);
    },
  };
}

async function run(seed: number): Promise<World> {
  const world = new World(seed);
  const { runtime } = world;
  await world.start();
  for (let step = 0; step < 80; step += 1) {
    const what = world.below(20);
    if (what < 12) world.write();
    else if (what < 14) world.take()?.kill();
    else if (what < 15) world.take()?.cutOff();
    else if (what < 16) void world.take()?.ingress.stop();
    else if (world.replicas.length < 3) await world.start();
    if (what === 19) world.awayUntil = runtime.now + world.below(120_000);
    await runtime.run(world.below(what % 10 === 0 ? 60_000 : 40));
  }
  world.isCalm = true;
  if (world.replicas.length === 0) await world.start();
  await runtime.run(600_000);
  return world;
}

describe("replicas that share an ingress topic", () => {
  test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    "every record comes in exactly once, and in order: seed %i",
    async (seed) => {
      const world = await run(seed);
      const troubles = world.replicas.flatMap(({ ingress }) => ingress.troubles());
      expect(troubles).toEqual([]);
      const came = (await world.log(INTO.name)).flat();
      const letters = (await world.log(DEAD.name)).flat();
      for (const [partition, ids] of world.written.entries()) {
        const good = ids.filter((id) => id.startsWith("fill"));
        expect(came.filter(({ key }) => key === `k${partition}`).map(({ id }) => id)).toEqual(good);
        const offsets = ids.flatMap((id, at) => (id.startsWith("bad") ? [`${FROM}/${partition}/e1/${at + 1}/0`] : []));
        expect(letters.filter(({ key }) => key === `${FROM}/${partition}`).map(({ id }) => id)).toEqual(offsets);
      }
    },
  );
});
