/** Over the wire into a real service: what is good is durable once and in order, what is bad is refused, each for its own reason. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { type Client, connect } from "@distribution/client";
import { createDistributionService, type ServiceOptions, type TopicDefinition } from "@distribution/core";
import { systemRuntime } from "@distribution/core/runtime";
import { messageOf } from "@distribution/proto-types/descriptors";
import { EventClass } from "@distribution/proto-types/distribution/v1/event";
import { expect, test } from "vitest";
import {
  type BadReason,
  createServicePublisher,
  createWorldPlayer,
  WORLD_EVENT_TYPES,
  WORLD_TOPICS,
  type WorldPlayer,
  type WorldPlayerOptions,
} from "../src/index.ts";
import { createFolder, type Folder } from "./support/folder.ts";
import { count, expected, seconds } from "./support/playing.ts";
import { worldOptions } from "./support/worlds.ts";

const WORLD = worldOptions({ scenario: "bad-data", rate: 300 });
const SECONDS = 20;

const eventTypes = Object.values(WORLD_EVENT_TYPES.portfolio).map((type) => ({
  type,
  class: EventClass.STATE,
  description: type,
  key: "as the plan has it",
}));

const TOPICS: readonly TopicDefinition[] = Object.values(WORLD_TOPICS.portfolio).map((name) => ({
  name,
  description: name,
  partitions: 2,
  retention: { ms: 3_600_000 },
  compaction: false,
  message: messageOf("portfolio.v1.PortfolioEvent"),
  eventTypes,
  ringBytes: 1 << 22,
}));

const CODES: Readonly<Partial<Record<BadReason, string>>> = {
  "conflicting-id": "event_conflict",
  "unknown-type": "invalid_event",
  "malformed-decimal": "invalid_event",
};

async function startService(folder: Folder, ingestBounds: ServiceOptions["ingestBounds"] = {}) {
  const broker = await createEmbeddedBroker({ directory: folder.file("broker") });
  const service = await createDistributionService({
    service: { name: "portfolio", version: "0.0.0", description: "A service for tests." },
    topics: TOPICS,
    broker,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    secret: Buffer.alloc(32, 7),
    listen: { host: "127.0.0.1", port: 0, grpcPort: 0, adminPort: 0, origins: [] },
    ingestBounds,
  });
  const url = `http://127.0.0.1:${service.ports.public}`;
  const client = connect({ url });
  return {
    ...{ url, client },
    async [Symbol.asyncDispose]() {
      await client.close();
      await service.stop();
      await broker.close();
    },
  };
}

test("a world is published once, whatever of it comes again", async () => {
  using folder = createFolder();
  await using service = await startService(folder);
  const first = await play(service.url, folder, "first");
  const good = expected(seconds(SECONDS), { ...WORLD, domains: ["portfolio"] });
  expect(first).toMatchObject({ state: "finished", published: count(good), duplicates: 0 });
  expect(first.refused).toBe(first.refusedBad);
  expect(first.refused).toBeGreaterThan(10);
  // Nothing is known of how far the first one was.
  const again = await play(service.url, folder, "again");
  expect(again).toMatchObject({ published: count(good), duplicates: count(good), refused: first.refused });
  for (const [topic, ids] of good) expect(await readAll(service.client, topic, ids.length)).toEqual(new Set(ids));
});

test("a world is published once by a player that comes back when the service no longer knows its events", async () => {
  using folder = createFolder();
  // It knows no more than one publish again, for no longer than a moment.
  await using service = await startService(folder, { windowMs: 1, windowEvents: 10_000 });
  const world = { ...WORLD, scenario: "normal" } as const;
  await play(service.url, folder, "player", { world, untilNs: seconds(SECONDS / 2) });
  const file = join(folder.file("player"), "progress");
  const noted = readFileSync(file);
  const lost = await play(service.url, folder, "player", { world });
  expect(lost.published).toBeGreaterThan(1000);
  // As if the player had been killed before it noted how far it was.
  writeFileSync(file, noted);
  const again = await play(service.url, folder, "player", { world });
  expect(again).toMatchObject({ published: 0, duplicates: 0, held: lost.published });
  const all = expected(seconds(SECONDS), { ...world, domains: ["portfolio"] });
  for (const [topic, ids] of all) expect(await readAll(service.client, topic, ids.length)).toEqual(new Set(ids));
});

async function play(
  url: string,
  folder: Folder,
  name: string,
  options: Partial<WorldPlayerOptions> = {},
): Promise<WorldPlayer["stats"]> {
  const publisher = createServicePublisher({ url });
  const player = createWorldPlayer({
    world: WORLD,
    domain: "portfolio",
    publish: publisher.publish,
    held: publisher.held,
    runtime: systemRuntime,
    speed: "max",
    progressFile: join(folder.file(name), "progress"),
    untilNs: seconds(SECONDS),
    onRefused: ({ bad }, error) => expect(error).toMatchObject({ code: bad === undefined ? "none" : CODES[bad] }),
    ...options,
  });
  player.start();
  try {
    await player.done;
  } finally {
    await publisher.close();
  }
  return player.stats;
}

/** The ids on a topic, where there are exactly so many events, every key in order. */
async function readAll(client: Client, topic: string, events: number): Promise<Set<string>> {
  const ids = new Set<string>();
  const sequences = new Map<string, bigint>();
  await using subscription = client.subscribe({ topics: topic, from: "earliest", decode: () => undefined });
  for await (const { id, key, sequence } of subscription) {
    if (sequence > 0n) {
      expect(sequence).toBe((sequences.get(key) ?? 0n) + 1n);
      sequences.set(key, sequence);
    }
    ids.add(id);
    if (ids.size < events) continue;
    expect((await subscription.ledger()).published).toBe(BigInt(events));
    break;
  }
  return ids;
}
