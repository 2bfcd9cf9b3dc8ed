/** What holds of portfolios, whoever keeps them: from their own events and the fills that execution told. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { Side } from "@distribution/proto-types/execution/v1/execution";
import {
  type AttributionCalculated,
  LimitKind,
  type PerformanceCalculated,
  type PortfolioEvent,
  type PortfolioStateChanged,
  type PositionChanged,
  type RebalanceCompleted,
  type RebalanceProposed,
  type RiskLimitBreached,
} from "@distribution/proto-types/portfolio/v1/portfolio";
import type { DecisionSeen } from "./coordination-reader.ts";
import { exact, quotient, times } from "./exact.ts";
import type { FillSeen } from "./execution-reader.ts";
import { found, must, same } from "./must.ts";

interface PositionSeen {
  quantity: bigint;
  cost: bigint;
  value: bigint;
}

interface PortfolioSeen {
  cash: bigint;
  readonly positions: Map<string, PositionSeen>;
  /** What was told of nav, and when. */
  readonly history: { readonly time: bigint; readonly nav: bigint }[];
  /** A position changed, and the state that follows from it was not told yet. */
  due: boolean;
  returned: bigint;
}

export class PortfolioReader {
  /** Fills that are in a position. */
  readonly booked = new Set<string>();
  readonly counts = new Map<string, number>();
  readonly #seen = new Map<string, PortfolioSeen>();
  readonly #proposals = new Map<string, RebalanceProposed>();
  readonly #fills: ReadonlyMap<string, FillSeen>;
  readonly #decisions: ReadonlyMap<string, DecisionSeen>;

  constructor(fills: ReadonlyMap<string, FillSeen>, decisions: ReadonlyMap<string, DecisionSeen>) {
    this.#fills = fills;
    this.#decisions = decisions;
  }

  read(event: Event, { portfolioId, currency, asOf, payload }: PortfolioEvent): void {
    must(payload !== undefined, "it carries something");
    same(`${currency} ${asOf} ${event.subject}`, `USD ${event.time} ${portfolioId}`, "currency, time and subject");
    this.counts.set(payload.$case, (this.counts.get(payload.$case) ?? 0) + 1);
    if (payload.$case === "state") this.#state(event, portfolioId, payload.value);
    else if (payload.$case === "position") this.#position(event, portfolioId, payload.value);
    else this.#rest(event, found(this.#seen.get(portfolioId), "its state was told first"), payload);
  }

  #rest(event: Event, portfolio: PortfolioSeen, payload: NonNullable<PortfolioEvent["payload"]>): void {
    must(!portfolio.due, "the state after a position was told");
    if (payload.$case === "performance") this.#performance(portfolio, payload.value);
    if (payload.$case === "attribution") this.#attribution(portfolio, payload.value);
    if (payload.$case === "breach") this.#breach(event, portfolio, payload.value);
    if (payload.$case === "proposal") this.#proposal(event, payload.value);
    if (payload.$case === "completion") this.#completion(event, payload.value);
  }

  #state(event: Event, id: string, { nav, cash, positionsValue, positionCount }: PortfolioStateChanged): void {
    same(`${event.type} ${event.key}`, `portfolio.state.v1 ${id}`, "type and key");
    const first: PortfolioSeen = { cash: exact(cash), positions: new Map(), history: [], due: false, returned: 0n };
    const portfolio = this.#seen.get(id) ?? first;
    this.#seen.set(id, portfolio);
    const positions = [...portfolio.positions.values()];
    same(exact(cash), portfolio.cash, "cash");
    const value = positions.reduce((sum, position) => sum + position.value, 0n);
    same(exact(positionsValue), value, "value of the positions");
    same(exact(nav), exact(cash) + value, "nav");
    same(positionCount, positions.filter(({ quantity }) => quantity !== 0n).length, "positions");
    portfolio.history.push({ time: event.time, nav: exact(nav) });
    portfolio.due = false;
  }

  #position(event: Event, id: string, told: PositionChanged): void {
    const portfolio = found(this.#seen.get(id), "its state was told first");
    same(`${event.type} ${event.key}`, `portfolio.position.v1 ${id}/${told.instrument}`, "type and key");
    const position = portfolio.positions.get(told.instrument) ?? { quantity: 0n, cost: 0n, value: 0n };
    portfolio.positions.set(told.instrument, position);
    portfolio.due = true;
    if (told.orderId === "") must(position.quantity !== 0n, "what is revalued is held");
    else this.#book(event, id, portfolio, position, told);
    position.value = exact(told.value);
    same(exact(told.quantity), position.quantity, "quantity, the sum of the fills");
    same(exact(told.cost), position.cost, "cost");
    same(position.value, times(exact(told.quantity), exact(told.price)), "value");
  }

  #book(event: Event, id: string, portfolio: PortfolioSeen, position: PositionSeen, told: PositionChanged): void {
    const name = `${told.orderId}/${told.executionId}`;
    const fill = found(this.#fills.get(name), `there was a fill ${name}`);
    must(!this.booked.has(name), "a fill is booked once");
    this.booked.add(name);
    const { portfolioId, instrument } = fill.order;
    same(`${portfolioId} ${instrument} ${fill.time}`, `${id} ${told.instrument} ${event.time}`, "what was filled");
    const quantity = fill.side === Side.BUY ? exact(fill.lastQuantity) : -exact(fill.lastQuantity);
    const paid = times(quantity, exact(fill.lastPrice));
    position.quantity += quantity;
    position.cost += paid;
    portfolio.cash -= paid + exact(fill.fee);
    const distance = exact(fill.lastPrice) - exact(told.price);
    must((distance < 0n ? -distance : distance) * 100n <= exact(told.price), "the price is near the market");
  }

  #performance(portfolio: PortfolioSeen, told: PerformanceCalculated): void {
    const before = portfolio.history.findLast(({ time }) => time <= told.periodStart);
    const now = portfolio.history.at(-1);
    must(before !== undefined && now !== undefined, "nav was told at both ends of the period");
    same(exact(told.profit), now.nav - before.nav, "profit");
    portfolio.returned = exact(told.periodReturn);
    same(portfolio.returned, quotient(now.nav - before.nav, before.nav, 12), "return");
  }

  /** It comes right after the performance that it explains. */
  #attribution({ returned }: PortfolioSeen, { contributions }: AttributionCalculated): void {
    const sum = contributions.reduce((total, { contribution }) => total + exact(contribution), 0n);
    const apart = sum > returned ? sum - returned : returned - sum;
    must(apart < exact("0.00000000001"), "contributions make up the return");
  }

  #breach({ key, subject }: Event, portfolio: PortfolioSeen, { kind, instrument, limit, actual }: RiskLimitBreached) {
    must(exact(actual) > exact(limit), "a breach is beyond the limit");
    const name = kind.replace("LIMIT_KIND_", "").replaceAll("_", "-").toLowerCase();
    same(key, instrument === "" ? `${subject}/${name}` : `${subject}/${name}/${instrument}`, "key");
    const { nav } = found(portfolio.history.at(-1), "nav was told");
    const { quantity, value } = portfolio.positions.get(instrument) ?? { quantity: 0n, value: 0n };
    const gross = [...portfolio.positions.values()].reduce((sum, position) => sum + size(position.value), 0n);
    if (kind === LimitKind.POSITION_SIZE) same(exact(actual), size(quantity), "size of the position");
    if (kind === LimitKind.CONCENTRATION) same(exact(actual), quotient(size(value), nav, 12), "concentration");
    if (kind === LimitKind.GROSS_EXPOSURE) same(exact(actual), quotient(gross, nav, 12), "gross exposure");
  }

  #proposal({ key }: Event, proposal: RebalanceProposed): void {
    same(key, proposal.rebalanceId, "key");
    must(proposal.trades.length > 0, "a rebalance has trades");
    this.#proposals.set(key, proposal);
  }

  #completion({ key }: Event, { rebalanceId, tradesDone, tradesFailed }: RebalanceCompleted): void {
    same(key, rebalanceId, "key");
    const trades = this.#proposals.get(rebalanceId)?.trades ?? [];
    this.#proposals.delete(rebalanceId);
    const decisions = trades.map((_, index) =>
      found(this.#decisions.get(`${rebalanceId}.${index + 1}`), "each trade has its decision"),
    );
    for (const [index, decision] of decisions.entries()) {
      const { quantity, instrument } = trades[index]!;
      same(decision.made.instrument, instrument, "instrument of a trade");
      same(decision.terms.quantity, quantity.replace("-", ""), "quantity of a trade");
      must(["rejected", "executed", "expired", "superseded"].includes(decision.state), "its decision has ended");
    }
    same(tradesDone, decisions.filter(({ state }) => state === "executed").length, "trades that are done");
    same(tradesDone + tradesFailed, trades.length, "trades");
  }
}

const size = (value: bigint): bigint => (value < 0n ? -value : value);
