/** One instrument's order book: exact, of bounded depth, from a snapshot and the changes that follow it. */
import { fieldError } from "@distribution/core/errors";
import { type Codec, plainData } from "@distribution/core/projections";
import { BookAction, type BookChange, Side } from "@distribution/proto-types/market_data/v1/market_data";
import { createBookSide, type SavedSide } from "./book-side.ts";
import { decimalOf } from "./decimals.ts";

export interface BookLevelView {
  readonly price: string;
  readonly size: string;
}

export interface BookDepth {
  /** Best first: bids from the highest price down, asks from the lowest up. */
  readonly bids: readonly BookLevelView[];
  readonly asks: readonly BookLevelView[];
  /** False: no snapshot has come yet, so that levels which did not change since are not in it. */
  readonly complete: boolean;
  /** True: more levels were asked for than the bound let the book keep; those given are exact, and those beyond not known. */
  readonly truncated: boolean;
}

export interface Book {
  /**
   * All levels of the change or, when one of them is not valid, none: throws `invalid_event` naming it.
   * An update of a level costs one look-up; a new price a binary search and a move within its side.
   */
  apply(change: BookChange): void;
  /** The best `levels` of each side, at least 1. */
  depth(levels: number): BookDepth;
  /** Levels held, both sides together. */
  readonly size: number;
  save(): SavedBook;
}

/** A book as plain data. */
export interface SavedBook {
  readonly bids: SavedSide;
  readonly asks: SavedSide;
  readonly complete: boolean;
}

/** Levels kept a side. The deepest book known has 9,346 on both sides together. */
export const MAX_BOOK_LEVELS = 10_000;

/** Of one level in memory: two texts of 20 characters, about, and their slots. */
const LEVEL_BYTES = 160;

export const bytesOfBook = ({ size }: Book): number => 1_000 + size * LEVEL_BYTES;

/** For checkpoints. */
export function bookCodec(maxLevels: number): Codec<Book> {
  const { encode, decode } = plainData<SavedBook>();
  return { encode: (book) => encode(book.save()), decode: (bytes) => createBook(maxLevels, decode(bytes)) };
}

export function createBook(maxLevels = MAX_BOOK_LEVELS, saved?: SavedBook): Book {
  const bids = createBookSide("descending", maxLevels, saved?.bids);
  const asks = createBookSide("ascending", maxLevels, saved?.asks);
  let complete = saved?.complete ?? false;

  return {
    get size() {
      return bids.size + asks.size;
    },
    apply(change) {
      const levels = validLevels(change);
      if (change.action === BookAction.SNAPSHOT) {
        bids.replace(levels.filter(({ side }) => side === Side.BUY));
        asks.replace(levels.filter(({ side }) => side === Side.SELL));
        complete = true;
      } else {
        for (const { side, price, size } of levels) (side === Side.BUY ? bids : asks).set(price, size);
      }
    },
    depth(levels) {
      const best = { bids: bids.best(levels), asks: asks.best(levels) };
      const truncated = (bids.truncated && best.bids.length < levels) || (asks.truncated && best.asks.length < levels);
      return { ...best, complete, truncated };
    },
    save: () => ({ bids: bids.save(), asks: asks.save(), complete }),
  };
}

/** The change's levels with canonical decimals. Throws `invalid_event` naming what is wrong with the change. */
export function validLevels({ action, levels }: BookChange): BookChange["levels"] {
  if (action !== BookAction.SNAPSHOT && action !== BookAction.DELTA)
    throw fieldError("invalid_event", "data.book.action", "must be a snapshot or a delta.");
  return levels.map(validLevel);
}

function validLevel({ side, price, size }: BookChange["levels"][number], index: number): BookChange["levels"][number] {
  const at = `data.book.levels[${index}]`;
  if (side !== Side.BUY && side !== Side.SELL) throw fieldError("invalid_event", `${at}.side`, "must be buy or sell.");
  const validPrice = decimalOf(price);
  if (validPrice === undefined) throw fieldError("invalid_event", `${at}.price`, "must be a decimal number.");
  const validSize = decimalOf(size);
  if (validSize === undefined || validSize.startsWith("-")) {
    throw fieldError("invalid_event", `${at}.size`, "must be a decimal number, zero or above.");
  }
  return { side, price: validPrice, size: validSize };
}
