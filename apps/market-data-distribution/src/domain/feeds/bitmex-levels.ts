/** BitMEX names a book level by an id; updates and deletes tell the id and not the price. */
import { type BookLevel, Side } from "@distribution/proto-types/market_data/v1/market_data";
import { priceOf, sideOf, sizeOf, wholeOf } from "./fields.ts";
import type { RawObject } from "./raw-message.ts";

export interface LevelChange {
  readonly id: string;
  readonly side: Side;
  /** Absent: the price that the id has. */
  readonly price?: string;
  readonly size: string;
}

/** The ids of one instrument's book. */
export interface LevelIds {
  /** Checks a row and changes nothing, so that a message with a bad row can be refused as a whole. Throws `invalid_event`. */
  read(row: RawObject, at: string, action: "partial" | "insert" | "update" | "delete"): LevelChange;
  /** Takes the change in and gives its level, or says why it cannot be placed. */
  apply(change: LevelChange): BookLevel | string;
}

/** `limit`: levels that are remembered. A level beyond cannot be placed. */
export function createLevelIds(limit: number): LevelIds {
  const prices = new Map<string, string>();

  return {
    read(row, at, action) {
      const side = sideOf(row["side"], `${at}.side`, "Buy", "Sell");
      // The venue's key is (symbol, id, side).
      const id = `${side === Side.BUY ? "b" : "s"}${wholeOf(row["id"], `${at}.id`)}`;
      const size = action === "delete" ? "0" : sizeOf(row["size"], `${at}.size`);
      const isPriced = action === "partial" || action === "insert" || row["price"] !== undefined;
      return isPriced ? { id, side, size, price: priceOf(row["price"], `${at}.price`) } : { id, side, size };
    },
    apply({ id, side, size, price: stated }) {
      const price = stated ?? prices.get(id);
      if (price === undefined) return `Level ${id.slice(1)} changed but is not known: a message is missing.`;
      if (size === "0") prices.delete(id);
      else if (prices.size >= limit && !prices.has(id)) return `The book has more than ${limit} levels.`;
      else prices.set(id, price);
      return { side, price, size };
    },
  };
}
