/**
 * Killed with SIGKILL at random moments under load, over and over: nothing acknowledged is lost, nothing is there twice, in another
 * order, or without having been published, no call is there in part, and what a group settled does not come again.
 *
 * KILL_CYCLES sets the number of kills; the default is 30, and CI does 200.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import type { Broker } from "@distribution/core/brokers";
import { assertFaultless, createHistory, type History, type Observer } from "@distribution/testkit/history";
import { expect, test } from "vitest";
import { GROUP, idsOfBatch, PARTITIONS, TOPIC } from "./kill/load.ts";

const CYCLES = Number(process.env["KILL_CYCLES"] ?? 30);
/** How long the victim works before it is killed, ms. */
const SHORTEST_LIFE_MS = 5;
const LONGEST_LIFE_MS = 80;
const VICTIM = join(import.meta.dirname, "kill/victim.ts");

/** What the killed processes said. */
class Witness {
  readonly history: History = createHistory();
  readonly #group: Observer;
  readonly #calls = new Map<string, string[]>();
  readonly #settled = new Set<string>();
  readonly broken: string[] = [];

  constructor() {
    this.#group = this.history.observer("the group", { redeliveries: true });
  }

  hear(line: string): void {
    const [word, ...rest] = line.split(" ");
    if (word === "publish") this.#publish(rest[0]!, rest.slice(1));
    else if (word === "acknowledged") {
      for (const id of this.#calls.get(rest[0]!)!) this.history.settle(id, "acknowledged");
    } else if (word === "given") this.given(rest);
    else if (word === "settled") for (const id of rest) this.#settled.add(id);
  }

  given(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#settled.has(id)) this.broken.push(`${id} came again after it was settled`);
      this.#group.saw(id);
    }
  }

  #publish(call: string, names: readonly string[]): void {
    const events = names.map((name) => name.split("/") as [string, string]);
    this.#calls.set(
      call,
      events.map(([id]) => id),
    );
    for (const [id, key] of events) this.history.publish(id, key, call);
  }
}

test(`killed ${CYCLES} times under load, it loses, repeats, reorders and invents nothing`, {
  timeout: CYCLES * 5000 + 60_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "embedded-kill-"));
  const witness = new Witness();
  const reader = witness.history.observer("a reader that goes on after each kill");
  const positions: (string | undefined)[] = Array.from({ length: PARTITIONS });
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    await live(directory, cycle, witness);
    const broker = await createEmbeddedBroker({ directory });
    await readOn(broker, reader, positions);
    await broker.close();
  }
  const broker = await createEmbeddedBroker({ directory });
  const fresh = witness.history.observer("a reader from the beginning");
  await readOn(broker, fresh, Array.from({ length: PARTITIONS }));
  await drainGroup(broker, witness);
  await broker.close();
  const report = witness.history.report();
  assertFaultless(report);
  expect(witness.broken).toEqual([]);
  expect(report.acknowledged, "the victims did some work").toBeGreaterThan(0);
  rmSync(directory, { recursive: true });
});

/** Starts a victim, hears what it says, and kills it at a random moment of its work. */
async function live(directory: string, cycle: number, witness: Witness): Promise<void> {
  const victim: ChildProcess = spawn(process.execPath, [VICTIM, directory, String(cycle)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: victim.stdout! });
  const over = once(lines, "close");
  lines.on("line", (line) => {
    if (line === "ready")
      setTimeout(() => victim.kill("SIGKILL"), SHORTEST_LIFE_MS + Math.random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
    else witness.hear(line);
  });
  const [, signal] = (await once(victim, "exit")) as [number | null, NodeJS.Signals | null];
  await over;
  expect(signal, "the victim died by itself").toBe("SIGKILL");
}

/** Reads every partition from the positions to its end, and moves the positions there. */
async function readOn(broker: Broker, observer: Observer, positions: (string | undefined)[]): Promise<void> {
  for (const { partition, epoch, start, end } of await broker.admin.partitions(TOPIC)) {
    let offset = positions[partition] ?? start;
    const reader = await broker.read(TOPIC, partition, { after: { epoch, offset } });
    while (broker.compareOffsets(offset, end) < 0) {
      for (const stored of await reader.next(1 << 20)) {
        for (const id of idsOfBatch(stored)) observer.saw(id);
        offset = stored.offsetAt(stored.batch.count - 1);
      }
    }
    positions[partition] = end;
    await reader.close();
  }
}

/** What no victim settled, a last member does. */
async function drainGroup(broker: Broker, witness: Witness): Promise<void> {
  const member = await broker.group({ name: GROUP, topics: [TOPIC], from: "earliest", ackTimeoutMs: 60_000 });
  const lag = async (): Promise<number> => (await broker.admin.lag(GROUP, TOPIC)).reduce((sum, one) => sum + one, 0);
  while ((await lag()) > 0) {
    for (const given of await member.next(10_000)) {
      witness.given(idsOfBatch(given));
      await member.ack(
        Array.from({ length: given.batch.count }, (_, at) => ({
          ...{ topic: given.topic, partition: given.partition, epoch: given.epoch, offset: given.offsetAt(at) },
        })),
      );
    }
  }
  await member.close();
}
