/** What the client is told of places. */
import { GapReason } from "@distribution/proto-types/distribution/v1/frames";
import type { Position } from "../brokers/contract.ts";
import type { InterestClass, Lane } from "../subscriptions/index.ts";
import type { GapNotice } from "./contract.ts";
import type { LogPlace, LostRange } from "./lane-cursor.ts";

export function positionOf({ tail }: Lane, { epoch, offset }: Pick<LogPlace, "epoch" | "offset">): Position {
  return { topic: tail.topic.name, partition: tail.partition, epoch, offset };
}

export function gapNotice(
  { channel }: InterestClass,
  lane: Lane,
  from: LogPlace,
  to: LogPlace,
  reason: GapReason,
): GapNotice {
  return { channel, from: positionOf(lane, from), to: positionOf(lane, to), reason };
}

/** Why the log no longer has what lay between the two. */
export function lossReason({ from, to }: LostRange): GapReason {
  return from.epoch === to.epoch ? GapReason.RETENTION : GapReason.EPOCH;
}
