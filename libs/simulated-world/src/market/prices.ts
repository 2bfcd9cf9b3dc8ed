/** Prices that move together: with the whole market, with their sector, and by themselves; on whole ticks. */
import { INSTRUMENTS, type Instrument, SECTORS } from "../instruments.ts";
import { SECOND_US, type Simulation } from "../simulation.ts";
import type { Prices } from "../state.ts";

/** Deviation of a price's move in one second, parts of a thousand million, by what moves it. */
const MARKET_MOVE = 90_000;
const SECTOR_MOVE = 60_000;
const OWN_MOVE = 80_000;
/** How much of its distance to where it began a price goes back in one second, parts of a thousand million. */
const RETURN_MOVE = 1_000;
/** A startling piece of news, parts of a thousand million. */
const JUMP = 3_000_000;

const PARTS = 1_000_000_000n;
/** Of the fair price to the quoted one. */
const FINER = 1_000_000n;

export function newPrices(): Prices {
  return { fair: INSTRUMENTS.map(({ base }) => base * FINER), quoted: INSTRUMENTS.map(({ base }) => base) };
}

export const priceOf = (world: Simulation, instrument: number): bigint => world.state.prices.quoted[instrument]!;

/** What a unit of each instrument's currency amount at the beginning is worth now: the level of an index of all. */
export function benchmarkLevel({ quoted }: Prices): bigint {
  let level = 0n;
  for (const { index, base } of INSTRUMENTS) level += (quoted[index]! * PARTS) / base;
  return level;
}

export function movePrices(world: Simulation): void {
  const { random, settings, paces } = world;
  const seconds = paces.pricesUs / SECOND_US;
  const scale = settings.volatility * Math.sqrt(seconds);
  const market = random.bell() * MARKET_MOVE;
  const sectors = SECTORS.map(() => random.bell() * SECTOR_MOVE);
  const back = BigInt(Math.round(RETURN_MOVE * seconds));
  const { fair } = world.state.prices;
  for (const instrument of INSTRUMENTS) {
    const parts = (market + sectors[instrument.sector]! + random.bell() * OWN_MOVE) * scale;
    const before = fair[instrument.index]!;
    const pull = (instrument.base * FINER - before) * back;
    setFair(world.state.prices, instrument, before + (before * BigInt(Math.round(parts)) + pull) / PARTS);
  }
  world.schedule(paces.pricesUs, { kind: "prices" });
}

/** News moves the price at once. */
export function jumpPrice(world: Simulation, instrument: Instrument, direction: 1 | -1): void {
  const before = world.state.prices.fair[instrument.index]!;
  setFair(world.state.prices, instrument, before + (before * BigInt(JUMP * direction)) / PARTS);
}

function setFair({ fair, quoted }: Prices, { index, tick }: Instrument, price: bigint): void {
  const step = tick * FINER;
  const kept = price < step ? step : price;
  fair[index] = kept;
  quoted[index] = ((kept + step / 2n) / step) * tick;
}
