/** `client.ts <where as JSON> <subject>`: the measured process. Does what it is asked, and answers what that cost it. */
import { setTimeout as sleep } from "node:timers/promises";
import { openKafkajs, openPlatformatic, openPulsar } from "./bare.ts";
import {
  type Contender,
  type Measured,
  packedBatch,
  type Request,
  SUBJECTS,
  type Subject,
  type Where,
} from "./contender.ts";
import { openOurs } from "./ours.ts";

/** Appends under way at a time. */
const UNDER_WAY = 8;
/** After the last event was sent. */
const READ_WITHIN_MS = 30_000;

const where = JSON.parse(process.argv[2] ?? "") as Where;
const subject = process.argv[3] as Subject;
const OPEN: Readonly<Record<Subject, () => Promise<Contender>>> = {
  [SUBJECTS.packed]: () => openOurs(where, "packed"),
  [SUBJECTS.unpacked]: () => openOurs(where, "cloudevents"),
  [SUBJECTS.platformatic]: () => openPlatformatic(where),
  [SUBJECTS.kafkajs]: () => openKafkajs(where),
  [SUBJECTS.pulsarProtocol]: () => openPulsar(where),
};
const contender = await OPEN[subject]();

process.on("message", (request: Request) => {
  void perform(request).then((measured) => process.send?.(measured));
});
process.once("SIGTERM", () => void contender.close().then(() => process.exit()));
process.send?.("ready");

async function perform(request: Request): Promise<Measured> {
  const { topic } = request;
  if (request.do === "latency") return latency(request);
  if (request.do === "append") {
    await contender.ensure(topic);
    return measured(() => append(topic, request.events, request.batch));
  }
  let events = 0;
  const take = (count: number): boolean => {
    events += count;
    return events >= request.events;
  };
  return measured(async () => {
    await (request.do === "read" ? contender.read(topic, "earliest", take) : contender.work!(topic, take));
    return events;
  });
}

async function append(topic: string, events: number, size: number): Promise<number> {
  const batch = packedBatch(size);
  let left = events;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= size;
      await contender.append(topic, batch);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, caller));
  return events;
}

/** What the work costs; it resolves with the events that it did. */
async function measured(work: () => Promise<number>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const events = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { events, seconds: (performance.now() - start) / 1e3, cpuSeconds: (user + system) / 1e6, latencies: [] };
}

/**
 * Events at a fixed rate, each by itself, whatever the answers: a slow one does not make the next ones late. One event before them
 * makes what is made at the first append, which some contenders make with the topic.
 */
async function latency({ topic, perSecond, seconds, within }: Request & { do: "latency" }): Promise<Measured> {
  await contender.ensure(topic);
  const total = perSecond * seconds;
  const single = packedBatch(1);
  const sentAt: number[] = [];
  const latencies: number[] = [];
  const failed = Promise.withResolvers<never>();
  const atHead = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let first = 1;
  const read = contender.read(topic, "latest", (count) => {
    atHead.resolve();
    const now = performance.now();
    const skipped = Math.min(first, count);
    first -= skipped;
    if (first === 0) begun.resolve();
    for (let event = skipped; event < count; event += 1) latencies.push(now - sentAt[latencies.length]!);
    return latencies.length >= total;
  });
  const publish = (): void => void contender.append(topic, single).catch(failed.reject);
  await atHead.promise;
  publish();
  await Promise.race([begun.promise, failed.promise]);
  if (within) await sleep(within[0] - Date.now());
  const start = performance.now();
  while (sentAt.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - start) * perSecond) / 1e3));
    while (sentAt.length < due) {
      sentAt.push(performance.now());
      publish();
    }
    await sleep(1);
  }
  // What was refused or lost is never read.
  const lost = new Error(`${subject} at ${perSecond} events/s: not all had come after ${READ_WITHIN_MS} ms`);
  const timer = setTimeout(() => failed.reject(lost), READ_WITHIN_MS);
  await Promise.race([read, failed.promise]).finally(() => clearTimeout(timer));
  if (within) await sleep(within[1] - Date.now());
  return {
    events: total,
    seconds: (performance.now() - start) / 1e3,
    cpuSeconds: 0,
    latencies: latencies.sort((a, b) => a - b),
  };
}
