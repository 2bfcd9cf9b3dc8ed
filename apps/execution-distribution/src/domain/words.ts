/** Enum values of the payload as the answers of this service write them: `TIME_IN_FORCE_DAY` is "day". */

const word = (value: string, prefix: string): string => value.slice(prefix.length + 1).toLowerCase();

export const ORDER_STATES = [
  "new",
  "acknowledged",
  "partially_filled",
  "filled",
  "cancelled",
  "rejected",
  "expired",
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** An enum of the payload: its name in front of its values, and the values that an event may have. */
export interface Words {
  readonly prefix: string;
  readonly words: readonly string[];
}

export const SIDES = { prefix: "SIDE", words: ["buy", "sell"] } as const;
export const ORDER_TYPES = { prefix: "ORDER_TYPE", words: ["market", "limit"] } as const;
export const TIMES_IN_FORCE = {
  prefix: "TIME_IN_FORCE",
  words: ["day", "good_till_cancel", "immediate_or_cancel", "fill_or_kill"],
} as const;
export const REJECT_REASONS = {
  prefix: "REJECT_REASON",
  words: ["unknown_instrument", "limit_exceeded", "price_out_of_band", "venue_closed"],
} as const;
export const ALERT_KINDS = {
  prefix: "ALERT_KIND",
  words: ["reject_rate", "slippage", "stuck_order", "venue_down"],
} as const;
export const ALERT_SEVERITIES = { prefix: "ALERT_SEVERITY", words: ["info", "warning", "critical"] } as const;

export type Side = (typeof SIDES.words)[number];
export type OrderType = (typeof ORDER_TYPES.words)[number];
export type TimeInForce = (typeof TIMES_IN_FORCE.words)[number];
export type RejectReason = (typeof REJECT_REASONS.words)[number];
export type AlertKind = (typeof ALERT_KINDS.words)[number];
export type AlertSeverity = (typeof ALERT_SEVERITIES.words)[number];

/** Undefined for a value that is unspecified, or that this version does not know. */
export function wordOf<const Of extends Words>(value: string, { prefix, words }: Of): Of["words"][number] | undefined {
  return words.find((each) => each === word(value, prefix));
}
