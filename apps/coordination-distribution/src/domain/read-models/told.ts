/** Where and when something was told: the part that is common to all that the read models keep. Plain data, so that it can be saved. */
import type { Position } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import type { ProjectedEvent } from "@distribution/core/projections";
import type { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";

export interface Told {
  /** (source, id) identifies the event. */
  readonly source: string;
  readonly id: string;
  /** By the upstream's clock, Unix nanoseconds; 0: not stated. */
  readonly eventTime: bigint;
  /** By the broker's clock, Unix nanoseconds. */
  readonly appendedAt: bigint;
  readonly position: Position;
}

export function toldOf({ envelope, payload, appendedAt, position }: ProjectedEvent<CoordinationEvent>): Told {
  return { source: envelope.source, id: envelope.id, eventTime: payload.eventTime, appendedAt, position };
}

/** What one takes in memory, about: objects, two bigints, the position. */
const TOLD_BYTES = 320;

export const bytesOfTold = ({ source, id }: Told): number => TOLD_BYTES + source.length + id.length;

/** Of texts in a list or object: a slot each, and their characters. */
export function bytesOfTexts(texts: Iterable<string>): number {
  let bytes = 64;
  for (const text of texts) bytes += 24 + text.length;
  return bytes;
}

type Payload = NonNullable<CoordinationEvent["payload"]>;
type PayloadOf<Case extends Payload["$case"]> = Extract<Payload, { readonly $case: Case }>["value"];

/** Throws `invalid_event` where the event carries something else. */
export function payloadOf<Case extends Payload["$case"]>(
  { payload: { payload } }: ProjectedEvent<CoordinationEvent>,
  kind: Case,
): PayloadOf<Case> {
  if (payload?.$case === kind) return payload.value as PayloadOf<Case>;
  throw fieldError("invalid_event", "data", `must be a ${kind}.`);
}
