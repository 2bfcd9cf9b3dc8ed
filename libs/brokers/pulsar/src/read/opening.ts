/** Where a reader begins: its start, and what of the log it is given for that. */
import type { ReadFrom } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import type { Topic } from "../admin/properties.ts";
import type { PartitionStats } from "../admin/stats.ts";
import type { Topics } from "../admin/topics.ts";
import { partitionUrl } from "../names.ts";
import { BEGINNING, beforeEntry, comparePlaces, type EntryId, type Place, parseOffset } from "../offset.ts";
import type { Settings } from "../options.ts";
import type { PortMessage, PortReader, PortStart, PulsarPort } from "../port.ts";
import { assertKept, positionGone, startOf } from "./bounds.ts";
import type { Ends } from "./ends.ts";

export interface ReadParts {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly topics: Topics;
  readonly ends: Ends;
}

export interface Opening {
  readonly topic: Topic;
  readonly partition: number;
  /** The position before the first event to give. */
  readonly start: Place;
  readonly reader: PortReader;
  /** Received already. */
  readonly received: readonly PortMessage[];
  /** Events before this are not given. Unix ms. */
  readonly notBefore: bigint;
  /** The newest entry that it comes to, and when that was the log's newest, Unix ms. Undefined: it begins after it. */
  readonly newest: { readonly entry: EntryId | undefined; readonly atMs: number };
}

/** Throws `unknown_topic`, `position_gone`, `invalid_request`. */
export async function openAt(parts: ReadParts, name: string, partition: number, from: ReadFrom): Promise<Opening> {
  const { topics, settings, ends } = parts;
  const wanted = check(from);
  await topics.partition(name, partition);
  // Together, so that both tell of one moment as nearly as can be.
  const [topic, stats] = await Promise.all([topics.refresh(name), topics.stats(name, partition)]);
  const nowMs = wallMs(settings);
  const start = startOf(topic, partition, stats, nowMs);
  const newest = { entry: stats.last, atMs: nowMs };
  const open = async (place: Place, begin: PortStart): Promise<Opening> => {
    const reader = await openPort(parts, topic, partition, begin);
    const comesTo = "after" in begin ? { entry: undefined, atMs: nowMs } : newest;
    return { topic, partition, start: place, reader, received: [], notBefore: 0n, newest: comesTo };
  };
  if (wanted === "earliest") return open(start, beginAfter(start));
  if (wanted === "latest") {
    if (stats.last === undefined) return open(start, beginAfter(start));
    const { place } = await ends.of(name, partition, stats.last);
    // What lies before the start was truncated, up to the end.
    return comparePlaces(place, start) < 0 ? open(start, beginAfter(start)) : open(place, { after: place });
  }
  if ("time" in wanted) return openAtTime(parts, { topic, partition, stats, start, newest }, wanted.time);
  if (wanted.epoch !== topic.epoch) {
    throw positionGone(topic, partition, wanted.place, `epoch ${wanted.epoch} is over, it is epoch ${topic.epoch} now`);
  }
  assertKept(topic, partition, stats, wanted.place, nowMs);
  return open(wanted.place, beginAfter(wanted.place));
}

/** The entry of the place comes again, since it may have events after it. */
function beginAfter(place: Place): PortStart {
  return comparePlaces(place, BEGINNING) === 0 ? { at: "earliest" } : { entry: place };
}

interface At {
  readonly topic: Topic;
  readonly partition: number;
  readonly stats: PartitionStats;
  readonly start: Place;
  readonly newest: Opening["newest"];
}

/** Bytes that are received at first, to see where a time begins. */
const FIRST_BYTES = 64 * 1024;

async function openAtTime(parts: ReadParts, at: At, time: bigint): Promise<Opening> {
  const { topic, partition, stats, start, newest } = at;
  const { name } = topic.config;
  const atStart = async (): Promise<Opening> => {
    const reader = await openPort(parts, topic, partition, beginAfter(start));
    return { topic, partition, start, reader, received: [], notBefore: time, newest };
  };
  if (stats.last === undefined || time <= 0n) return atStart();
  const end = await parts.ends.timed(name, partition, stats.last);
  if (comparePlaces(end.place, start) <= 0) return atStart();
  if (end.time < time) {
    const reader = await openPort(parts, topic, partition, { after: end.place });
    const past = { ...newest, entry: undefined };
    return { topic, partition, start: end.place, reader, received: [], notBefore: time, newest: past };
  }
  const entry = await parts.topics.entryAt(name, partition, time);
  const reader = await openPort(parts, topic, partition, { entry });
  try {
    for (;;) {
      const received = (await reader.receive(FIRST_BYTES)).filter((message) => message.time >= time);
      if (received.length === 0) continue;
      const { place } = received[0]!;
      const oldest = stats.ledgers[0]!;
      const isFirst = place.ledger === oldest.id && place.entry === 0n;
      const before = isFirst || comparePlaces(beforeEntry(place), start) < 0 ? start : beforeEntry(place);
      return { topic, partition, start: before, reader, received, notBefore: time, newest };
    }
  } catch (failure) {
    await reader.close();
    throw failure;
  }
}

function openPort(
  { port, settings }: ReadParts,
  topic: Topic,
  partition: number,
  from: PortStart,
): Promise<PortReader> {
  const url = partitionUrl(settings, topic.config.name, partition);
  return port.read({ topic: url, from, queueBytes: settings.readAheadBytes, compacted: topic.compacted });
}

export const wallMs = ({ runtime }: Pick<Settings, "runtime">): number => Number(runtime.clock.wallNs() / 1_000_000n);

type Wanted = "earliest" | "latest" | { readonly time: bigint } | { readonly epoch: string; readonly place: Place };

/** Throws `invalid_request`. */
export function check(from: ReadFrom): Wanted {
  if ("time" in from) {
    if (typeof from.time !== "bigint")
      throw fieldError("invalid_request", "from.time", "must be Unix nanoseconds as a bigint");
    // Pulsar counts milliseconds: the first that is not before it.
    return { time: (from.time + 999_999n) / 1_000_000n };
  }
  if ("after" in from) {
    return { epoch: from.after.epoch, place: parseOffset(from.after.offset, "from.after.offset") };
  }
  if (from.at !== "earliest" && from.at !== "latest") {
    throw fieldError("invalid_request", "from.at", `must be earliest or latest, not ${String(from.at)}`);
  }
  return from.at;
}
