/**
 * A service whose broker carries appends out, and nobody hears of it until long after the desks were told that the broker is away:
 * they send again until they are answered, and every event is there once.
 */
import { setTimeout as delay } from "node:timers/promises";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { readLog } from "../support/log.ts";
import { startService } from "../support/service.ts";
import { ENGINES, startBroker } from "./support/brokers.ts";
import { clientOf, startDesks } from "./support/orders-under-load.ts";

/** Longer than an append may take: appends are refused while their outcome is not known. */
const AWAY_MS = 33_000;

describe.each(ENGINES)("a service on %s", (engine) => {
  it("whose appends are carried out without an answer takes each event once", { timeout: 240_000 }, async () => {
    await using broker = await startBroker(engine);
    await using service = await startService(broker.settings);
    const { ports } = service;
    const history = createHistory();
    await using client = clientOf(ports);
    const desks = startDesks(client, history, 8);
    await desks.more(200);
    await broker.proxy.swallow(1, (request) => request.includes("/fill-"));
    broker.proxy.refuse();
    broker.proxy.cut();
    await delay(AWAY_MS);
    expect(service.health.read().reasons.join(" ")).toContain("refused appends may be in the log");
    await broker.proxy.accept();
    await desks.more(200);
    await desks.stop();
    expect(desks.refusals).toEqual([]);
    const log = history.observer("the log");
    for (const { id } of await readLog(ports, TOPICS.orders)) log.saw(id);
    const report = history.report();
    assertFaultless(report);
    expect(report.acknowledged).toBe(report.published);
  });
});
