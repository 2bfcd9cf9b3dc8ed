/** Where a subscription starts: what the client asked for, held against what the log still has. */
import { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import type { Broker, PartitionInfo, Position, ReadFrom } from "../brokers/contract.ts";
import { fieldError } from "../errors.ts";
import type { InterestClass, Lane } from "../subscriptions/index.ts";
import type { GapNotice } from "./contract.ts";
import type { LogPlace } from "./lane-cursor.ts";

export type StartRequest =
  | { readonly kind: "latest" | "earliest" }
  /** Unix nanoseconds. */
  | { readonly kind: "time"; readonly time: bigint }
  /** Partitions that are not named start at latest. */
  | { readonly kind: "after"; readonly positions: readonly Position[] };

export interface Start {
  /** One a lane. */
  readonly places: readonly LogPlace[];
  /** What was asked for and is not there. */
  readonly gaps: readonly GapNotice[];
}

/** `path` names the field in errors. */
export async function resolveStart(
  broker: Broker,
  shared: InterestClass,
  request: StartRequest,
  path: string,
): Promise<Start> {
  if (request.kind === "latest") return { places: shared.lanes.map(({ chain }) => chain), gaps: [] };
  const wanted = new Map<string, Position>();
  if (request.kind === "after") for (const position of request.positions) wanted.set(nameOf(position), position);
  const infos = new Map<string, readonly PartitionInfo[]>();
  const gaps: GapNotice[] = [];
  const places: LogPlace[] = [];
  for (const lane of shared.lanes) {
    const { topic, partition } = lane.tail;
    let list = infos.get(topic.name);
    if (!list) {
      list = await broker.admin.partitions(topic.name);
      infos.set(topic.name, list);
    }
    const info = list[partition]!;
    if (request.kind !== "after") {
      places.push(await placeAt(broker, lane, info, request));
      continue;
    }
    const position = wanted.get(nameOf(info));
    wanted.delete(nameOf(info));
    places.push(position ? placeAfter(broker, shared, lane, info, position, gaps, path) : lane.chain);
  }
  refuseForeign(wanted, path);
  return { places, gaps };
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
