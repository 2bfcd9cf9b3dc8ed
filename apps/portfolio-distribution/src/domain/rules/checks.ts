/**
 * What the events of this domain have to be, whatever came before. Paths are below the event: `data.state.nav`.
 * A refusal is `invalid_event` where the event is wrong by itself, `illegal_transition` where it cannot follow.
 */
import { type DistributionError, fieldError } from "@distribution/core/errors";
import { addDecimals, formatTime, isCanonicalDecimal, multiplyDecimals } from "@distribution/core/events";
import type { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import { checkId, ID, INSTRUMENT } from "../identifiers.ts";

/** An event as ingest judges it and as a projection gets it. */
export interface PortfolioInput {
  readonly envelope: { readonly key: string; readonly source: string; readonly id: string };
  readonly payload: PortfolioEvent;
}

/** What is remembered of a key: how far its time has come. */
export interface Timed {
  /** Unix nanoseconds. */
  readonly asOf: bigint;
}

type Payload = NonNullable<PortfolioEvent["payload"]>;
export type Member = Payload["$case"];
export type ValueOf<Case extends Member> = Extract<Payload, { readonly $case: Case }>["value"];

/** What a text may have, characters. */
export const TEXT_LIMITS = { id: 128, name: 128, reason: 1_024 } as const;
/** Contributions of an attribution, trades of a rebalance. */
export const MAX_ITEMS = 1_000;
/** Places of a fraction after the point. */
export const FRACTION_PLACES = 12;
/** March 1973: a smaller number is seconds, milliseconds or microseconds by mistake. */
const FIRST_NS = 100_000_000_000_000_000n;

export const invalid = (path: string, message: string): DistributionError => fieldError("invalid_event", path, message);
export const illegal = (path: string, message: string): DistributionError =>
  fieldError("illegal_transition", path, message);

/** The event's payload, when it is of that kind. */
export function memberOf<Case extends Member>({ payload }: PortfolioEvent, member: Case): ValueOf<Case> {
  if (payload?.$case === member) return payload.value as ValueOf<Case>;
  throw invalid(`data.${member}`, "It is required here.");
}

/** What all events state, and that the key is the one that the payload makes. */
export function checkAbout({ envelope, payload }: PortfolioInput, key: string): void {
  const { portfolioId, currency, asOf } = payload;
  checkId(portfolioId, ID, "data.portfolio_id", "invalid_event");
  if (!/^[A-Za-z0-9]{1,16}$/.test(currency)) {
    throw invalid("data.currency", "State the currency of the amounts: 1 to 16 letters and digits, such as USD.");
  }
  checkTime(asOf, "data.as_of");
  if (envelope.key !== key) {
    const shown = JSON.stringify(envelope.key.slice(0, 128));
    const wanted = `an event with this payload has the key ${JSON.stringify(key)} (partitionkey in CloudEvents)`;
    throw invalid("key", `It is ${shown}; ${wanted}.`);
  }
}

export function checkTime(time: bigint, path: string): void {
  if (time >= FIRST_NS) return;
  throw invalid(path, `It is ${time}; state a time after 1973 in nanoseconds since 1970.`);
}

export function checkInstrument(instrument: string, path: string): void {
  checkId(instrument, INSTRUMENT, path, "invalid_event");
}

export function checkText(text: string, max: number, path: string): void {
  if (text.length > max) throw invalid(path, `It has ${text.length} characters; the limit is ${max}. Shorten it.`);
}

export function checkItems(items: readonly unknown[], path: string): void {
  if (items.length > MAX_ITEMS) throw invalid(path, `There are ${items.length}; the limit is ${MAX_ITEMS}.`);
}

export function checkDecimal(text: string, path: string): void {
  if (text === "") throw invalid(path, "It is required: a decimal number like -12.345.");
  if (isCanonicalDecimal(text)) return;
  const rule = "no exponent, no leading or trailing zeros, no +, no -0";
  throw invalid(path, `${JSON.stringify(text)} is no decimal number in canonical form: ${rule}.`);
}

export function checkFraction(text: string, path: string): void {
  checkDecimal(text, path);
  const point = text.indexOf(".");
  const places = point < 0 ? 0 : text.length - point - 1;
  if (places <= FRACTION_PLACES) return;
  const remedy = "Round it, half to even.";
  throw invalid(path, `It has ${places} places after the point; a fraction has at most ${FRACTION_PLACES}. ${remedy}`);
}

/** `terms` and `total` are checked decimals; `path` is the total's, `formula` says what it has to be. */
export function checkSum(total: string, terms: readonly [string, string], path: string, formula: string): void {
  const sum = addDecimals(...terms);
  if (sum !== total) throw invalid(path, `It is ${total}; ${formula} is ${sum}.`);
}

export function checkProduct(product: string, factors: readonly [string, string], path: string, formula: string): void {
  const exact = multiplyDecimals(...factors);
  if (exact !== product) throw invalid(path, `It is ${product}; ${formula} is ${exact}.`);
}

/** `what` is the key's thing for people: "Portfolio growth". */
export function checkFollows(before: Timed | undefined, { asOf }: PortfolioEvent, what: string): void {
  if (before === undefined || asOf >= before.asOf) return;
  const told = `${what} has been told as of ${formatTime(before.asOf)}`;
  throw illegal("data.as_of", `It is ${formatTime(asOf)}, and ${told}; time does not go back.`);
}
