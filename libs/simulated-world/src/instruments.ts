/** What is traded: sixty made-up instruments of three venues and six sectors, the same in every world. */

export const SECTORS = ["energy", "finance", "health", "materials", "technology", "transport"] as const;

const VENUES = ["central", "east", "west"] as const;
const PREFIXES = ["ENE", "FIN", "HEA", "MAT", "TEC", "TRA"] as const;
const PER_SECTOR = 10;

/** Beginnings of prices, whole units of currency. */
const BASES = [4n, 12n, 27n, 48n, 75n, 118n, 190n, 340n, 880n, 2400n];

export const CURRENCY = "USD";

export interface Instrument {
  readonly index: number;
  /** venue:symbol. */
  readonly id: string;
  readonly symbol: string;
  readonly venue: (typeof VENUES)[number];
  /** Index in SECTORS. */
  readonly sector: number;
  /** The price in the beginning, around which it wanders, and the step of prices: on the scale of prices. */
  readonly base: bigint;
  readonly tick: bigint;
  /** The step of quantities, on their scale. */
  readonly lot: bigint;
}

const MILLION = 1_000_000n;

function instrumentAt(index: number): Instrument {
  const sector = Math.floor(index / PER_SECTOR);
  const number = index % PER_SECTOR;
  const venue = VENUES[(index + sector) % VENUES.length] as (typeof VENUES)[number];
  const symbol = `${PREFIXES[sector]}${String(number + 1).padStart(2, "0")}-${CURRENCY}`;
  const units = BASES[(number + 3 * sector) % BASES.length] as bigint;
  return {
    index,
    id: `${venue}:${symbol}`,
    symbol,
    venue,
    sector,
    base: units * MILLION,
    tick: units < 10n ? 100n : units < 500n ? 10_000n : 50_000n,
    lot: units < 10n ? 100_000n : units < 100n ? 10_000n : units < 500n ? 1_000n : 100n,
  };
}

export const INSTRUMENTS: readonly Instrument[] = Array.from({ length: SECTORS.length * PER_SECTOR }, (_, index) =>
  instrumentAt(index),
);

/** The instruments' own record of an index that came from choosing one. */
export const instrumentOf = (index: number): Instrument => INSTRUMENTS[index] as Instrument;
