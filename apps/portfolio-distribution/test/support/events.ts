/** What upstreams tell, as plain JSON: what is usual is filled in, what the test is about is given. */
import { createPayloadCodec } from "@distribution/core/events";
import { messageOf } from "@distribution/proto-types/descriptors";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";

export interface Told {
  readonly topic: string;
  readonly type: string;
  readonly id: string;
  readonly key: string;
  /** proto3 JSON of a PortfolioEvent. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** 2026-01-05T14:30:00Z; tests count seconds from there. */
export const START = 1_767_623_400_000_000_000n;
export const SECOND = 1_000_000_000n;
export const at = (seconds: number): bigint => START + BigInt(Math.round(seconds * 1000)) * 1_000_000n;

export const SOURCE = "/test/books";
const DAY_BEGAN = at(-3600);

export interface About {
  readonly id?: string;
  /** Of the envelope, where it is not the one that the payload makes. */
  readonly key?: string;
  readonly portfolio?: string;
  /** Seconds after START. */
  readonly seconds?: number;
  /** Of the payload beside its member, as they are. */
  readonly more?: Readonly<Record<string, unknown>>;
}

let lastId = 0;
const nextId = (): string => {
  lastId += 1;
  return `t-${lastId}`;
};

function told(topic: string, name: string, key: string, about: About, member: Readonly<Record<string, object>>): Told {
  const { id = nextId(), portfolio = "growth", seconds = 0, more } = about;
  const data = { portfolioId: portfolio, currency: "USD", asOf: String(at(seconds)), ...more, ...member };
  return { topic: `portfolio.${topic}`, type: `portfolio.${name}.v1`, id, key: about.key ?? key, data };
}

const ofPortfolio = ({ portfolio = "growth" }: About, ...rest: readonly string[]): string =>
  [portfolio, ...rest].join("/");

export interface StateFields {
  readonly nav?: string;
  readonly cash?: string;
  readonly positionsValue?: string;
  readonly positionCount?: number;
}

export function state(about: About = {}, fields: StateFields = {}): Told {
  const value = { nav: "100.5", cash: "90.25", positionsValue: "10.25", positionCount: 1, ...fields };
  return told("state", "state", ofPortfolio(about), about, { state: value });
}

export interface PositionFields {
  readonly instrument?: string;
  readonly quantity?: string;
  readonly price?: string;
  readonly value?: string;
  readonly cost?: string;
  readonly orderId?: string;
  readonly executionId?: string;
}

export const INSTRUMENT = "central:TEC04-USD";

/** A fill, unless its ids are empty. */
export function position(about: About = {}, fields: PositionFields = {}): Told {
  const { instrument = INSTRUMENT } = fields;
  const filled = { quantity: "10", price: "1.5", value: "15", cost: "14", orderId: "o-1", executionId: "e-1" };
  const value = { instrument, ...filled, ...fields };
  return told("positions", "position", ofPortfolio(about, instrument), about, { position: value });
}

/** A new price only. */
export const mark = (about: About, fields: PositionFields): Told =>
  position(about, { orderId: "", executionId: "", ...fields });

export interface PerformanceFields {
  readonly period?: string;
  readonly periodStart?: string;
  readonly periodReturn?: string;
  readonly benchmark?: string;
  readonly benchmarkReturn?: string;
  readonly profit?: string;
}

const keyPeriod = (period: string): string => period.replace("PERIOD_", "").toLowerCase();

export function performance(about: About = {}, fields: PerformanceFields = {}): Told {
  const { period = "PERIOD_DAY" } = fields;
  const measured = { periodReturn: "0.0125", benchmark: "ALL-60", benchmarkReturn: "-0.001", profit: "1.25" };
  const value = { period, periodStart: String(DAY_BEGAN), ...measured, ...fields };
  return told("performance", "performance", ofPortfolio(about, keyPeriod(period)), about, { performance: value });
}

export interface AttributionFields {
  readonly period?: string;
  readonly periodStart?: string;
  readonly benchmark?: string;
  readonly contributions?: readonly {
    readonly group: string;
    readonly weight: string;
    readonly contribution: string;
  }[];
}

export function attribution(about: About = {}, fields: AttributionFields = {}): Told {
  const { period = "PERIOD_DAY" } = fields;
  const contributions = [{ group: "technology", weight: "0.1", contribution: "0.0125" }];
  const value = { period, periodStart: String(DAY_BEGAN), benchmark: "ALL-60", contributions, ...fields };
  const key = ofPortfolio(about, keyPeriod(period), "attribution");
  return told("performance", "attribution", key, about, { attribution: value });
}

export interface BreachFields {
  readonly kind?: string;
  readonly instrument?: string;
  readonly limit?: string;
  readonly actual?: string;
}

export function breach(about: About = {}, fields: BreachFields = {}): Told {
  const { kind = "LIMIT_KIND_DRAWDOWN", instrument = "" } = fields;
  const name = kind.replace("LIMIT_KIND_", "").toLowerCase().replaceAll("_", "-");
  const key = ofPortfolio(about, name, ...(instrument === "" ? [] : [instrument]));
  return told("risk", "breach", key, about, { breach: { kind, instrument, limit: "0.05", actual: "0.06", ...fields } });
}

export function proposal(
  about: About = {},
  fields: { readonly rebalanceId?: string; readonly trades?: readonly object[] } = {},
) {
  const { rebalanceId = "r-1", trades = [{ instrument: INSTRUMENT, quantity: "-5" }] } = fields;
  const value = { rebalanceId, reason: "A limit came near.", trades };
  return told("rebalancing", "rebalance-proposed", rebalanceId, about, { proposal: value });
}

export function completion(about: About = {}, rebalanceId = "r-1"): Told {
  const value = { rebalanceId, tradesDone: 1, tradesFailed: 0 };
  return told("rebalancing", "rebalance-completed", rebalanceId, about, { completion: value });
}

export function toCloudEvent({ type, id, key, data }: Told): Record<string, unknown> {
  const envelope = { specversion: "1.0", id, source: SOURCE, type, subject: "test", partitionkey: key };
  return { ...envelope, datacontenttype: "application/json", data };
}

const codec = createPayloadCodec(messageOf("portfolio.v1.PortfolioEvent"));

const bytesOf = ({ data }: Told): Uint8Array => codec.fromJson(data, "data");

/** As rules and projections get it. */
export const inputOf = (each: Told) => ({
  envelope: { key: each.key, source: SOURCE, id: each.id },
  payload: PortfolioEvent.decode(bytesOf(each)),
});

export function toEvent(each: Told): Event {
  const { type, id, key } = each;
  const data = Buffer.from(bytesOf(each));
  return Event.create({ id, source: SOURCE, type, subject: "test", key, contentType: "application/protobuf", data });
}
