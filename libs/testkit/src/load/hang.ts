/** An engine that hangs for half a minute, longer than a request, a session, a connection and an append may take, and goes on as if nothing had been. */
import { setTimeout as delay } from "node:timers/promises";
import type { Broker } from "@distribution/core/brokers";
import { expect } from "vitest";
import { underLoad } from "./under-load.ts";

const HANG_MS = 30_000;

export interface HangingEngine {
  pause(): void;
  resume(): void;
}

/**
 * Holds the engine in the middle of appends, tails and a group's work. Throws unless the broker says so (`away`, in a reason of its
 * health), goes on by itself, and has lost, doubled and reordered nothing. Closes the broker.
 */
export async function hangUnderLoad(broker: Broker, engine: HangingEngine, away: string): Promise<void> {
  const { refusals } = await underLoad(broker, { topic: "faults.hang", partitions: 3 }, async (load, work) => {
    await load.more(300);
    const over = delay(HANG_MS);
    engine.pause();
    await expect
      .poll(() => broker.health(), { timeout: HANG_MS })
      .toMatchObject({ ready: false, reasons: expect.arrayContaining([expect.stringContaining(away)]) });
    await over;
    engine.resume();
    const before = work.settled;
    await load.more(300);
    await expect.poll(() => work.settled, { timeout: 30_000 }).toBeGreaterThan(before);
    await expect.poll(() => broker.health(), { timeout: 30_000 }).toEqual({ ready: true, reasons: [] });
  });
  await broker.close();
  // What was on its way had all its time: it may have been given up.
  expect(refusals.filter((code) => code !== "unavailable")).toEqual([]);
}
