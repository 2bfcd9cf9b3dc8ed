/**
 * The books kept a second time, from what readers get over the wire and from the fills that the world's other side tells, by
 * code that shares nothing with the service: whole numbers at one scale, plain maps.
 */
import { ExecutionEvent, Side } from "@distribution/proto-types/execution/v1/execution";
import { createWorld, type WorldIdentity } from "@distribution/simulated-world";
import type { PlacedCloudEvent } from "./rest.ts";

/** An event of the simulator: `number` is its place in what the world tells of portfolios. */
export interface TracedEvent {
  readonly number: number;
  readonly topic: string;
  readonly key: string;
  readonly data: TracedData;
}

interface TracedData {
  readonly portfolioId: string;
  readonly asOf: string;
  readonly state?: {
    readonly nav: string;
    readonly cash: string;
    readonly positionsValue: string;
    readonly positionCount?: number;
  };
  readonly position?: {
    readonly instrument: string;
    readonly quantity: string;
    readonly price: string;
    readonly value: string;
    readonly cost: string;
    readonly orderId?: string;
    readonly executionId?: string;
  };
}

interface Fill {
  readonly portfolioId: string;
  readonly instrument: string;
  /** Sales negative. */
  readonly quantity: bigint;
  readonly price: bigint;
  readonly fee: bigint;
}

const PLACES = 20;
const ONE = 10n ** BigInt(PLACES);

/** The decimal as so many 1e-20. */
export function units(decimal: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,20}))?$/.exec(decimal);
  if (!match) throw new Error(`${decimal} is no decimal of at most ${PLACES} places.`);
  const size = BigInt(match[2]! + (match[3] ?? "").padEnd(PLACES, "0"));
  return match[1] === "-" ? -size : size;
}

/** In the order in which they happened, none of them twice, as far as none is missing. */
export function trace(logs: readonly (readonly PlacedCloudEvent[])[]): readonly TracedEvent[] {
  const found = new Map<number, TracedEvent>();
  for (const { position, event } of logs.flat()) {
    const number = Number(/-(\d+)$/.exec(event.id)?.[1]);
    if (!(number > 0)) throw new Error(`${event.id} is no id of a good event.`);
    if (found.has(number)) throw new Error(`${event.id} is there twice.`);
    const data = event.data as TracedData;
    found.set(number, { number, topic: position.topic, key: String(event["partitionkey"]), data });
  }
  const whole: TracedEvent[] = [];
  for (let next = found.get(1); next; next = found.get(next.number + 1)) whole.push(next);
  return whole;
}

/** What the same world tells of executions, by order and execution, up to a time. */
export function fillsOf(world: WorldIdentity, untilNs: bigint): ReadonlyMap<string, Fill> {
  const fills = new Map<string, Fill>();
  for (const { event, bad } of createWorld({ ...world, domains: ["execution"] }).next(untilNs)) {
    if (bad !== undefined) continue;
    const { orderId, portfolioId, instrument, payload } = ExecutionEvent.decode(event.data!);
    if (payload?.$case !== "fill") continue;
    const { executionId, side, lastQuantity, lastPrice, fee } = payload.value;
    const quantity = units(lastQuantity);
    const signed = side === Side.BUY ? quantity : -quantity;
    fills.set(`${orderId} ${executionId}`, {
      ...{ portfolioId, instrument, quantity: signed, price: units(lastPrice), fee: units(fee) },
    });
  }
  return fills;
}

interface Holding {
  quantity: bigint;
  value: bigint;
  /** At the square of the scale. */
  cost: bigint;
}

interface Book {
  /** At the square of the scale. */
  cash: bigint;
  readonly holdings: Map<string, Holding>;
}

/** Everything that does not add up, in words; and how much was looked at. */
export function audit(events: readonly TracedEvent[], fills: ReadonlyMap<string, Fill>) {
  const wrong: string[] = [];
  const books = new Map<string, Book>();
  const used = new Set<string>();
  const counts = { states: 0, fills: 0, prices: 0 };
  const expect = (number: number, what: string, is: bigint, shouldBe: bigint): void => {
    if (is !== shouldBe) wrong.push(`event ${number}: ${what} is ${is}, and should be ${shouldBe}`);
  };

  for (const { number, data } of events) {
    const { portfolioId, state, position } = data;
    const book = books.get(portfolioId);
    if (state) {
      counts.states += 1;
      const cash = units(state.cash);
      if (!book) {
        // What it begins with; nothing is held.
        books.set(portfolioId, { cash: cash * ONE, holdings: new Map() });
        expect(number, "the value of positions", units(state.positionsValue), 0n);
        continue;
      }
      const holdings = [...book.holdings.values()];
      expect(number, "nav", units(state.nav), cash + units(state.positionsValue));
      expect(number, "cash", cash * ONE, book.cash);
      expect(
        number,
        "the value of positions",
        units(state.positionsValue),
        holdings.reduce((sum, { value }) => sum + value, 0n),
      );
      const open = holdings.filter(({ quantity }) => quantity !== 0n).length;
      expect(number, "the number of positions", BigInt(state.positionCount ?? 0), BigInt(open));
    }
    if (position && book) {
      const { instrument, orderId = "", executionId = "" } = position;
      const holding = book.holdings.get(instrument) ?? { quantity: 0n, value: 0n, cost: 0n };
      book.holdings.set(instrument, holding);
      if (executionId === "") counts.prices += 1;
      else {
        counts.fills += 1;
        const name = `${orderId} ${executionId}`;
        const fill = fills.get(name);
        if (!fill || fill.portfolioId !== portfolioId || fill.instrument !== instrument)
          wrong.push(`event ${number}: no fill ${name}`);
        if (used.has(name)) wrong.push(`event ${number}: the fill ${name} again`);
        used.add(name);
        const { quantity, price, fee } = fill ?? { quantity: 0n, price: 0n, fee: 0n };
        holding.quantity += quantity;
        holding.cost += quantity * price;
        book.cash -= quantity * price + fee * ONE;
      }
      holding.value = units(position.value);
      expect(number, "the quantity", units(position.quantity), holding.quantity);
      expect(number, "the cost", units(position.cost) * ONE, holding.cost);
      expect(number, "the value", holding.value * ONE, units(position.quantity) * units(position.price));
    }
  }
  return { wrong, counts };
}
