/**
 * A service with full topics: the ring of some holds all of it, of the others only the log has more than the newest part.
 * Answers each replay that its parent asks for with what it cost this process.
 */
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { ANONYMOUS } from "@distribution/core/security";
import { joinOurs } from "../fanout/protocols.ts";
import { join } from "../fanout/subscribers.ts";
import { startBenchService } from "../service/bench-service.ts";
import { catchSockets } from "../service/swallow.ts";
import { createFeed, INSTRUMENTS, type PayloadForm, tradesTopic } from "../service/trades.ts";
import { type ReplayCase, type ReplayRequest, type ReplayResult, topicOf, wishOf } from "./case.ts";

const BATCH_EVENTS = 1_000;
const BATCHES = 300;
const EVENTS = BATCH_EVENTS * BATCHES;
const MIB = 1024 * 1024;
const FORMS: readonly PayloadForm[] = ["protobuf", "json"];
const PLACES = ["log", "ring"] as const;

const sockets = catchSockets();
const bench = await startBenchService({
  topics: PLACES.flatMap((from) =>
    FORMS.map((payload) => tradesTopic(topicOf({ from, payload }), { ringBytes: from === "ring" ? 256 * MIB : MIB })),
  ),
  // What the broker keeps beside its log is another ring: here the log is asked for.
  broker: { recentBytes: MIB },
});
for (const payload of FORMS) {
  const feed = createFeed(payload, BATCH_EVENTS, BATCHES / 10);
  for (const from of PLACES) await fill(topicOf({ from, payload }), feed);
}

let before = { delivered: 0, cpu: process.cpuUsage(), at: 0 };
let client: Socket | undefined;

process.on("message", (request: ReplayRequest) => {
  const work = "begin" in request ? begin(request.begin) : end(request.end);
  void work.then((answer) => process.send?.(answer));
});
process.once("SIGTERM", () => {
  void bench[Symbol.asyncDispose]().then(() => process.exit());
});
process.send?.(bench.port);

async function fill(topic: string, feed: ReturnType<typeof createFeed>): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    for (const batch of feed.next()) await bench.service.ingest.publish(topic, batch, ANONYMOUS);
  }
}

async function begin(replay: ReplayCase): Promise<string> {
  const [hello, subscribe] = joinOurs(replay.frames, [wishOf(replay)]);
  if (!replay.drained) {
    client = await join(bench.port, [hello!], () => undefined);
    sockets.swallow();
  }
  before = { delivered: bench.delivered, cpu: process.cpuUsage(), at: performance.now() };
  if (!replay.drained) client?.write(subscribe!.send);
  return "begun";
}

async function end({ filtered }: ReplayCase): Promise<ReplayResult> {
  const wanted = before.delivered + (filtered ? EVENTS / INSTRUMENTS : EVENTS);
  while (bench.delivered < wanted) await pause(1);
  const { user, system } = process.cpuUsage(before.cpu);
  const seconds = (performance.now() - before.at) / 1e3;
  client?.removeAllListeners("close").destroy();
  client = undefined;
  return { events: EVENTS, cpuSeconds: (user + system) / 1e6, seconds };
}
