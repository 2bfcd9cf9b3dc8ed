/**
 * A service on a real broker that is killed, hangs and is cut off while desks send orders until they are acknowledged and
 * subscribers follow over the wire. The history checker judges all of it.
 *
 * KILL_CYCLES sets how often each of it happens; the default is once.
 */
import { setTimeout as delay } from "node:timers/promises";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { readLog } from "../support/log.ts";
import { startService } from "../support/service.ts";
import { ENGINES, type RealBroker, startBroker } from "./support/brokers.ts";
import { clientOf, follow, startDesks } from "./support/orders-under-load.ts";

const CYCLES = Number(process.env["KILL_CYCLES"] ?? 1);
/** Longer than a request to the broker may take. */
const HANG_MS = 12_000;
const CUTS = 5;

const FAULTS: readonly ((broker: RealBroker, more: (events: number) => Promise<void>) => Promise<void>)[] = [
  async ({ controls }) => {
    await controls.kill();
    await controls.start();
  },
  async ({ controls }) => {
    controls.pause();
    await delay(HANG_MS);
    controls.resume();
  },
  async ({ proxy }, more) => {
    for (let cut = 0; cut < CUTS; cut += 1) {
      proxy.cut();
      await more(20);
    }
  },
];

describe.each(ENGINES)("a service on %s", (engine) => {
  it(`whose broker is killed, hangs and is cut off ${CYCLES} times loses, doubles and reorders nothing that it acknowledged`, {
    timeout: 120_000 + CYCLES * 120_000,
  }, async () => {
    await using broker = await startBroker(engine);
    await using service = await startService(broker.settings);
    const { ports } = service;
    const history = createHistory();
    await using stream = await follow(ports, history.observer("a stream"), {});
    await using durable = await follow(ports, history.observer("a durable subscriber", { redeliveries: true }), {
      name: "settlement",
      profile: { level: "at-least-once" },
    });
    await using client = clientOf(ports);
    const desks = startDesks(client, history, 8);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      for (const fault of FAULTS) {
        await desks.more(100);
        await fault(broker, desks.more);
      }
    }
    await desks.more(100);
    await desks.stop();
    expect(desks.refusals).toEqual([]);
    await until("everybody has all", () => history.report().lost.count === 0, 60_000);
    const log = history.observer("the log");
    for (const { id } of await readLog(ports, TOPICS.orders)) log.saw(id);
    const report = history.report();
    assertFaultless(report);
    expect(report.acknowledged).toBe(report.published);
    expect([stream.gaps, durable.gaps]).toEqual([[], []]);
    await expect.poll(() => service.health.read().reasons, { timeout: 30_000 }).toEqual([]);
  });
});
