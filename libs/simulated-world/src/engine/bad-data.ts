/** Events that ingest has to refuse, made of good ones. Each leaves the good events as true as they were. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Action } from "@distribution/proto-types/coordination/v1/coordination";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { OrderType, Side, TimeInForce } from "@distribution/proto-types/execution/v1/execution";
import { WORLD_EVENT_TYPES } from "../names.ts";
import type { BadReason } from "../world-event.ts";
import { bytesOf, type DomainMessage, type Kind } from "./kinds.ts";
import type { Random } from "./random.ts";

/** Fields of decimals, wherever they are in a message. */
const DECIMAL_FIELDS = ["quantity", "lastQuantity", "filledQuantity", "nav", "periodReturn", "limit", "confidence"];
const NO_DECIMAL = "12,50";

const { execution, coordination } = WORLD_EVENT_TYPES;

const NEW_ORDER = {
  $case: "orderNew",
  value: {
    side: Side.BUY,
    type: OrderType.MARKET,
    quantity: "1",
    limitPrice: "",
    timeInForce: TimeInForce.DAY,
  },
};
const NEW_DECISION = {
  $case: "decisionCoordinated",
  value: {
    action: Action.BUY,
    quantity: "1",
    notional: "1",
    confidence: "0.5",
    urgency: 0,
    validUntil: 0n,
    intelligenceIds: [],
  },
};

/** What follows nothing that a key has come to: another beginning of what goes on, a going on of what has ended. */
const ILLEGAL = {
  execution: {
    going: { type: execution.orderNew, payload: NEW_ORDER },
    ended: {
      type: execution.orderAcknowledged,
      payload: { $case: "orderAcknowledged", value: { venueOrderId: "again" } },
    },
  },
  coordination: {
    going: { type: coordination.decisionCoordinated, payload: NEW_DECISION },
    ended: {
      type: coordination.decisionApproved,
      payload: { $case: "decisionApproved", value: { approvedBy: "late" } },
    },
  },
} as const;

export interface BadEvent {
  readonly event: Event;
  readonly bad: BadReason;
}

/** Bad in one of the ways in which this kind of event can be, and told right after the good one. It has no sequence. */
export function badEventAfter(good: Event, kind: Kind, message: DomainMessage, random: Random): BadEvent {
  const spoilt = withoutDecimal(message);
  const illegal = kind.life && (kind.domain === "execution" || kind.domain === "coordination");
  const reasons: BadReason[] = ["conflicting-id", "unknown-type"];
  if (spoilt) reasons.push("malformed-decimal");
  if (illegal) reasons.push("illegal-transition");
  const bad = random.pick(reasons);
  const event: Event = { ...good, id: `${good.id}-bad`, sequence: 0n };
  if (bad === "conflicting-id") event.id = good.id;
  if (bad === "conflicting-id") event.time = good.time + 1n;
  if (bad === "unknown-type") event.type = `${kind.domain}.unheard-of.v1`;
  if (bad === "malformed-decimal" && spoilt) event.data = bytesOf(kind, spoilt, new BinaryWriter());
  if (bad === "illegal-transition") makeIllegal(event, kind, message);
  return { event, bad };
}

function makeIllegal(event: Event, kind: Kind, message: DomainMessage): void {
  if ((kind.domain !== "execution" && kind.domain !== "coordination") || !kind.life) return;
  const { type, payload } = ILLEGAL[kind.domain][kind.life];
  event.type = type;
  event.data = bytesOf(kind, { ...message, payload }, new BinaryWriter());
}

/** Undefined: no field of the message is a decimal. */
function withoutDecimal(message: DomainMessage): DomainMessage | undefined {
  const { payload } = message;
  const inside = payload && DECIMAL_FIELDS.find((name) => Object.hasOwn(payload.value, name));
  if (payload && inside)
    return { ...message, payload: { ...payload, value: { ...payload.value, [inside]: NO_DECIMAL } } };
  const outside = DECIMAL_FIELDS.find((name) => Object.hasOwn(message, name));
  return outside === undefined ? undefined : { ...message, [outside]: NO_DECIMAL };
}
