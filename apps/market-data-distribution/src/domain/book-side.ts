/** One side of an order book: sizes by price, and the prices in order. */
import { compareCanonicalDecimals } from "@distribution/core/events";

export interface SideLevel {
  /** Canonical decimals. Size "0": nothing rests at the price. */
  readonly price: string;
  readonly size: string;
}

export interface BookSide {
  set(price: string, size: string): void;
  replace(levels: readonly SideLevel[]): void;
  /** At most `count` levels, best first. */
  best(count: number): SideLevel[];
  readonly size: number;
  /** True when levels worse than those held are not known. */
  readonly truncated: boolean;
  save(): SavedSide;
}

/** A side as plain data. */
export interface SavedSide {
  /** Worst first. */
  readonly levels: readonly SideLevel[];
  /** The best price that was let go; undefined: none was. */
  readonly horizon: string | undefined;
}

/**
 * Holds the best `limit` levels. When one more comes, the worst goes, and from its price outward nothing is known until
 * the next `replace`: changes out there are left out, so that what is held is always exact and without holes.
 * `order`: "descending" when higher prices are better, as for bids.
 */
export function createBookSide(order: "ascending" | "descending", limit: number, saved?: SavedSide): BookSide {
  const sizes = new Map(saved?.levels.map(({ price, size }) => [price, size]));
  /** Worst first: near the touch, where most changes are, an insertion moves few entries. */
  let prices = [...sizes.keys()];
  /** The best price that was let go. */
  let horizon = saved?.horizon;

  /** Positive when a is better than b. */
  const better =
    order === "ascending" ? (a: string, b: string) => compareCanonicalDecimals(b, a) : compareCanonicalDecimals;

  /** Where the price is, or where it would have to go. */
  const indexOf = (price: string): number => {
    let low = 0;
    let high = prices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (better(prices[middle]!, price) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const dropWorst = (): void => {
    horizon = prices.shift();
    if (horizon !== undefined) sizes.delete(horizon);
  };

  return {
    get size() {
      return prices.length;
    },
    get truncated() {
      return horizon !== undefined;
    },
    set(price, size) {
      if (horizon !== undefined && better(price, horizon) <= 0) return;
      const known = sizes.has(price);
      if (size === "0") {
        if (known) prices.splice(indexOf(price), 1);
        sizes.delete(price);
        return;
      }
      if (!known) prices.splice(indexOf(price), 0, price);
      sizes.set(price, size);
      if (prices.length > limit) dropWorst();
    },
    replace(levels) {
      sizes.clear();
      for (const { price, size } of levels) {
        if (size === "0") sizes.delete(price);
        else sizes.set(price, size);
      }
      prices = [...sizes.keys()].sort(better);
      horizon = undefined;
      const excess = prices.splice(0, Math.max(0, prices.length - limit));
      for (const price of excess) sizes.delete(price);
      horizon = excess.at(-1);
    },
    best(count) {
      const levels: SideLevel[] = [];
      for (let at = prices.length - 1; at >= 0 && levels.length < count; at -= 1) {
        const price = prices[at]!;
        levels.push({ price, size: sizes.get(price)! });
      }
      return levels;
    },
    save: () => ({ levels: prices.map((price) => ({ price, size: sizes.get(price)! })), horizon }),
  };
}
