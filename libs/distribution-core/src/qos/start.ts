/** Where a subscription starts: what the client asked for, held against what the log still has. */
import { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import type { Broker, PartitionInfo, Position, ReadFrom } from "../brokers/contract.ts";
import { DistributionError, fieldError } from "../errors.ts";
import type { InterestClass, Lane } from "../subscriptions/index.ts";
import type { Tail } from "../tail/index.ts";
import type { GapNotice } from "./contract.ts";
import type { LogPlace } from "./lane-cursor.ts";

export type StartRequest =
  | { readonly kind: "latest" | "earliest" }
  /** Unix nanoseconds. */
  | { readonly kind: "time"; readonly time: bigint }
  /**
   * Partitions that are not named start at latest. `complete`: all were named that there were; one that is not, of a topic that is,
   * was added since, and starts at its beginning.
   */
  | { readonly kind: "after"; readonly positions: readonly Position[]; readonly complete?: boolean };

export interface Start {
  /** One a lane, of those that there were: a partition that is added meanwhile starts at its beginning. */
  readonly places: readonly LogPlace[];
  /** What was asked for and is not there. */
  readonly gaps: readonly GapNotice[];
}

/** `path` names the field in errors. Rejects with `unavailable` when a partition that was added cannot be opened yet. */
export async function resolveStart(
  broker: Broker,
  tail: Pick<Tail, "look">,
  shared: InterestClass,
  request: StartRequest,
  path: string,
): Promise<Start> {
  if (request.kind === "latest") return { places: shared.lanes.map(({ chain }) => chain), gaps: [] };
  const wanted = new Map<string, Position>();
  const complete = new Set<string>();
  if (request.kind === "after") {
    for (const position of request.positions) {
      wanted.set(nameOf(position), position);
      if (request.complete) complete.add(position.topic);
    }
    for (const topic of unseen(shared, request.positions)) await tail.look(topic);
  }
  const infos = new Map<string, readonly PartitionInfo[]>();
  const gaps: GapNotice[] = [];
  const places: LogPlace[] = [];
  for (const lane of [...shared.lanes]) {
    const { topic, partition } = lane.tail;
    let list = infos.get(topic.name);
    if (!list) {
      list = await broker.admin.partitions(topic.name);
      infos.set(topic.name, list);
    }
    const info = list[partition];
    if (!info) throw notSeenYet(topic.name, partition);
    if (request.kind !== "after") {
      places.push(await placeAt(broker, lane, info, request));
      continue;
    }
    const position = wanted.get(nameOf(info));
    wanted.delete(nameOf(info));
    if (position) places.push(placeAfter(broker, shared, lane, info, position, gaps, path));
    else places.push(complete.has(topic.name) ? await placeAt(broker, lane, info, { kind: "earliest" }) : lane.chain);
  }
  refuseForeign(wanted, path);
  return { places, gaps };
}

/** Kafka's and Pulsar's nodes learn of an added partition one after the other. */
const notSeenYet = (topic: string, partition: number): DistributionError =>
  new DistributionError(
    "unavailable",
    `Partition ${partition} of ${topic} was just added, and not all of the broker knows it yet. Subscribe again.`,
    { retryAfterMs: 1_000 },
  );

/** Topics of which a partition is named that this process does not know: another replica may have seen that it was added. */
function unseen({ lanes }: InterestClass, positions: readonly Position[]): Set<string> {
  const counts = new Map<string, number>();
  for (const { tail } of lanes) counts.set(tail.topic.name, (counts.get(tail.topic.name) ?? 0) + 1);
  const beyond = positions.filter(({ topic, partition }) => partition >= (counts.get(topic) ?? partition + 1));
  return new Set(beyond.map(({ topic }) => topic));
}

const nameOf = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${partition}`;

async function placeAt(
  broker: Broker,
  lane: Lane,
  info: PartitionInfo,
  request: Exclude<StartRequest, { kind: "after" }>,
): Promise<LogPlace> {
  const from: ReadFrom = request.kind === "time" ? { time: request.time } : { at: "earliest" };
  const reader = await broker.read(info.topic, info.partition, from);
  await reader.close();
  return known(lane, reader.start.epoch, reader.start.offset);
}

function placeAfter(
  broker: Broker,
  shared: InterestClass,
  lane: Lane,
  info: PartitionInfo,
  wanted: Position,
  gaps: GapNotice[],
  path: string,
): LogPlace {
  const notice = (reason: GapNotice["reason"], offset: string): LogPlace => {
    const to = { topic: info.topic, partition: info.partition, epoch: info.epoch, offset };
    gaps.push({ channel: shared.channel, from: wanted, to, reason });
    return known(lane, info.epoch, offset);
  };
  if (wanted.epoch !== info.epoch) return notice(GapReason.EPOCH, info.start);
  if (compare(broker, wanted.offset, info.end, path) > 0) return notice(GapReason.FUTURE, info.end);
  if (compare(broker, wanted.offset, info.start, path) < 0) return notice(GapReason.RETENTION, info.start);
  return known(lane, wanted.epoch, wanted.offset);
}

/** With its number, where ring or head know it. */
function known({ tail }: Lane, epoch: string, offset: string): LogPlace {
  return tail.placeAfter(epoch, offset) ?? { number: undefined, epoch, offset };
}

function compare(broker: Broker, a: string, b: string, path: string): number {
  try {
    return broker.compareOffsets(a, b);
  } catch {
    throw fieldError(
      "invalid_request",
      path,
      `"${a}" is no offset of this service; use one that a frame or an answer gave`,
    );
  }
}

/** Positions that no lane asked for. */
function refuseForeign(left: ReadonlyMap<string, Position>, path: string): void {
  for (const { topic, partition } of left.values()) {
    throw fieldError(
      "invalid_request",
      path,
      `names ${topic}, partition ${partition}, which the subscription does not cover`,
    );
  }
}
