/** `client.ts <where as JSON>`: the measured process. Does what it is asked, and answers what that cost it. */
import { openBare } from "./bare.ts";
import { type Contender, type Measured, packedBatch, type Request, type Where } from "./contender.ts";
import { openOurs } from "./ours.ts";

/** Appends under way at a time. */
const UNDER_WAY = 8;

const where = JSON.parse(process.argv[2] ?? "") as Where;
const contenders = [await openOurs(where, "packed"), await openOurs(where, "cloudevents"), await openBare(where)];

process.on("message", (request: Request) => {
  const contender = contenders.find(({ subject }) => subject === request.subject)!;
  void perform(contender, request).then((measured) => process.send?.(measured));
});
process.once("SIGTERM", () => {
  void Promise.all(contenders.map((contender) => contender.close())).then(() => process.exit());
});
process.send?.(contenders.map(({ subject, work }) => ({ subject, groups: work !== undefined })));

async function perform(contender: Contender, request: Request): Promise<Measured> {
  const { topic } = request;
  if (request.do === "latency") return latency(contender, request);
  if (request.do === "append") {
    await contender.ensure(topic);
    return measured(() => append(contender, topic, request.events, request.batch));
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

async function append(contender: Contender, topic: string, events: number, size: number): Promise<number> {
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
 * Events at a fixed rate, whatever the answers: a slow one does not make the next ones late. Each by itself where the contender
 * gathers them, else as many in one call as a millisecond brings: a call an event is more than the bare Kafka client can take.
 */
async function latency(
  contender: Contender,
  { topic, perSecond, seconds }: Request & { do: "latency" },
): Promise<Measured> {
  await contender.ensure(topic);
  const total = perSecond * seconds;
  const sentAt: number[] = [];
  const latencies: number[] = [];
  const failures: unknown[] = [];
  const read = contender.read(topic, "latest", (count) => {
    const now = performance.now();
    for (let event = 0; event < count; event += 1) latencies.push(now - sentAt[latencies.length]!);
    return latencies.length >= total;
  });
  // The reader is at the head before the first is sent.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const start = performance.now();
  while (sentAt.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - start) * perSecond) / 1e3));
    while (sentAt.length < due) {
      const count = contender.gathers ? 1 : due - sentAt.length;
      const now = performance.now();
      for (let event = 0; event < count; event += 1) sentAt.push(now);
      contender.append(topic, packedBatch(count)).catch((failure: unknown) => failures.push(failure));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await read;
  if (failures.length > 0) throw failures[0];
  return {
    events: total,
    seconds: (performance.now() - start) / 1e3,
    cpuSeconds: 0,
    latencies: latencies.sort((a, b) => a - b),
  };
}
