/**
 * The recordings read a second time, by code that shares nothing with the normalizers: plain JSON, plain maps and
 * numbers. What the feed and the service made of them must agree.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Big } from "big.js";
import { RECORDINGS } from "../../src/simulator.ts";

export interface Independent {
  /** `instrument kind` → count. */
  readonly counts: Map<string, number>;
  /** `instrument side` → price → size, as numbers: the prices and sizes of these files have at most 15 digits. */
  readonly books: Map<string, Map<number, number>>;
  /** Instrument → sum of the sizes of its trades since the feed connected. */
  readonly volumes: Map<string, Big>;
  /** Instrument → best bid and offer at the end, as numbers. */
  readonly quotes: Map<string, { readonly bid: number; readonly ask: number }>;
  /** Instrument → price and size of each trade, oldest first, as numbers. */
  readonly trades: Map<string, (readonly [number, number])[]>;
}

// biome-ignore lint/suspicious/noExplicitAny: the point is a reading without any of the production types
type Raw = any;

export function readIndependently(): Independent {
  const found: Independent = {
    ...{ counts: new Map(), books: new Map(), volumes: new Map() },
    ...{ quotes: new Map(), trades: new Map() },
  };
  for (const { path } of RECORDINGS) {
    const text = gunzipSync(readFileSync(path)).toString();
    const levels = new Map<string, { side: string; price: number }>();
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const { message } = JSON.parse(line) as Raw;
      if (message.table) readBitmex(message, found, levels);
      else if (message.product_id) readCoinbase(message, found);
    }
  }
  return found;
}

const count = ({ counts }: Independent, instrument: string, kind: string): void => {
  counts.set(`${instrument} ${kind}`, (counts.get(`${instrument} ${kind}`) ?? 0) + 1);
};
const addVolume = ({ volumes }: Independent, instrument: string, size: string | number): void => {
  volumes.set(instrument, (volumes.get(instrument) ?? Big(0)).plus(size));
};
function addTrade({ trades }: Independent, instrument: string, price: number, size: number): void {
  trades.set(instrument, [...(trades.get(instrument) ?? []), [price, size]]);
}
function setLevel({ books }: Independent, key: string, price: number, size: number): void {
  const side = books.get(key) ?? new Map<number, number>();
  if (size === 0) side.delete(price);
  else side.set(price, size);
  books.set(key, side);
}

function readCoinbase(message: Raw, found: Independent): void {
  const instrument = `coinbase:${message.product_id}`;
  if (message.type === "ticker") {
    count(found, instrument, "quote");
    found.quotes.set(instrument, { bid: Number(message.best_bid), ask: Number(message.best_ask) });
  }
  if (message.type === "match" || message.type === "last_match") {
    count(found, instrument, "trade");
    addTrade(found, instrument, Number(message.price), Number(message.size));
  }
  if (message.type === "match") addVolume(found, instrument, message.size);
  if (message.type === "snapshot") {
    count(found, instrument, "book");
    for (const [price, size] of message.bids) setLevel(found, `${instrument} buy`, Number(price), Number(size));
    for (const [price, size] of message.asks) setLevel(found, `${instrument} sell`, Number(price), Number(size));
  }
  if (message.type === "l2update") {
    count(found, instrument, "book");
    for (const [side, price, size] of message.changes) {
      setLevel(found, `${instrument} ${side}`, Number(price), Number(size));
    }
  }
}

function readBitmex(message: Raw, found: Independent, levels: Map<string, { side: string; price: number }>): void {
  if (message.table === "orderBookL2") {
    const instrument = `bitmex:${message.data[0].symbol}`;
    count(found, instrument, "book");
    for (const row of message.data) {
      if (row.price !== undefined)
        levels.set(`${row.symbol} ${row.id}`, { side: row.side.toLowerCase(), price: row.price });
      const level = levels.get(`${row.symbol} ${row.id}`);
      if (level)
        setLevel(found, `${instrument} ${level.side}`, level.price, message.action === "delete" ? 0 : row.size);
    }
    return;
  }
  for (const row of message.data) {
    const instrument = `bitmex:${row.symbol}`;
    count(found, instrument, message.table);
    if (message.table === "quote") found.quotes.set(instrument, { bid: row.bidPrice, ask: row.askPrice });
    if (message.table !== "trade") continue;
    addTrade(found, instrument, row.price, row.size);
    if (message.action === "insert") addVolume(found, instrument, row.size);
  }
}

/** Best first, as the endpoints and the books of subscribers give them. */
export function levelsOf(
  { books }: Independent,
  instrument: string,
  side: "buy" | "sell",
): (readonly [number, number])[] {
  const levels = [...(books.get(`${instrument} ${side}`) ?? [])];
  return levels.sort(([a], [b]) => (side === "buy" ? b - a : a - b));
}
