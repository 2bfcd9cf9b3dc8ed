/**
 * BitMEX realtime API (tables orderBookL2, quote, trade) → normalized events. https://www.bitmex.com/app/wsAPI
 * Its numbers are JSON numbers; their digits are taken as written. It numbers neither messages nor trades, so that a
 * gap shows only as a change of a level that is not known.
 */
import { DistributionError, fieldError } from "@distribution/core/errors";
import {
  type BookLevel,
  FeedAlertKind,
  type NormalizedMarketDataEvent,
} from "@distribution/proto-types/market_data/v1/market_data";
import type { Instrument } from "../instruments.ts";
import { createLevelIds, type LevelIds } from "./bitmex-levels.ts";
import { listOf, objectOf, optionalTimeOf, positiveSizeOf, priceOf, sideOf, sizeOf, textOf, timeOf } from "./fields.ts";
import {
  createInstruments,
  deltaOf,
  type Instruments,
  MAX_LEVELS,
  NOTHING,
  type Normalized,
  type Normalizer,
  normalizedEvent,
  type Problem,
  snapshotOf,
} from "./normalizer.ts";
import { isObject, type RawObject, type RawValue } from "./raw-message.ts";

const ACTIONS = ["partial", "insert", "update", "delete"] as const;
type Action = (typeof ACTIONS)[number];

interface Table {
  readonly action: Action;
  readonly rows: readonly RawObject[];
  readonly message: RawObject;
  readonly receivedNs: bigint;
}

export function createBitmexNormalizer(): Normalizer {
  const instruments = createInstruments("bitmex");
  const books = new Map<string, LevelIds>();

  return {
    venue: "bitmex",
    normalize(message, receivedNs) {
      const name = message["table"];
      if (name === undefined) return withoutTable(message);
      switch (name) {
        case "orderBookL2":
          return booksOf(tableOf(message, receivedNs), instruments, books);
        case "quote":
          return rowsOf(tableOf(message, receivedNs), instruments, quoteOf);
        case "trade":
          return rowsOf(tableOf(message, receivedNs), instruments, tradeOf);
        default:
          return problem({
            kind: FeedAlertKind.UNKNOWN,
            reason: `No table ${JSON.stringify(textOf(name, "message.table"))} is known.`,
          });
      }
    },
  };
}

const problem = (problem: Problem): Normalized => ({ events: [], problems: [problem] });

function withoutTable(message: RawObject): Normalized {
  if (message["error"] !== undefined) {
    const text = typeof message["error"] === "string" ? message["error"].slice(0, 200) : "no reason given";
    return problem({ kind: FeedAlertKind.VENUE_ERROR, reason: `BitMEX says: ${text}` });
  }
  if (message["info"] !== undefined || message["success"] !== undefined) return NOTHING;
  return problem({ kind: FeedAlertKind.UNKNOWN, reason: "The message has no table and is no answer to a request." });
}

function tableOf(message: RawObject, receivedNs: bigint): Table {
  const action = ACTIONS.find((known) => known === message["action"]);
  if (action === undefined) {
    throw fieldError("invalid_event", "message.action", `must be one of ${ACTIONS.join(", ")}.`);
  }
  const rows = listOf(message["data"], "message.data", MAX_LEVELS).map((row, index) =>
    objectOf(row, `message.data[${index}]`),
  );
  return { action, rows, message, receivedNs };
}

type RowReader = (row: RawObject, at: string, instrument: Instrument, table: Table) => NormalizedMarketDataEvent;

/** One event a row; quotes and trades are only ever told (partial) and added (insert). */
function rowsOf(table: Table, instruments: Instruments, read: RowReader): Normalized {
  if (table.action === "update" || table.action === "delete") {
    throw fieldError(
      "invalid_event",
      "message.action",
      `must be partial or insert on this table; it is ${table.action}.`,
    );
  }
  const events = table.rows.map((row, index) => {
    const at = `message.data[${index}]`;
    return read(row, at, instruments.of(textOf(row["symbol"], `${at}.symbol`), `${at}.symbol`), table);
  });
  return { events, problems: [] };
}

const quoteOf: RowReader = (row, at, instrument, { receivedNs }) =>
  normalizedEvent(instrument, timeOf(row["timestamp"], `${at}.timestamp`), receivedNs, {
    $case: "quote",
    value: {
      bidPrice: unlessAbsent(row["bidPrice"], `${at}.bidPrice`, priceOf),
      bidSize: unlessAbsent(row["bidSize"], `${at}.bidSize`, sizeOf),
      askPrice: unlessAbsent(row["askPrice"], `${at}.askPrice`, priceOf),
      askSize: unlessAbsent(row["askSize"], `${at}.askSize`, sizeOf),
    },
  });

/** The side of an empty book has no price. */
function unlessAbsent(
  value: RawValue | undefined,
  path: string,
  read: (value: RawValue, path: string) => string,
): string | undefined {
  return value === undefined || value === null ? undefined : read(value, path);
}

/** BitMEX tells the taker's side. */
const tradeOf: RowReader = (row, at, instrument, { action, receivedNs }) =>
  normalizedEvent(instrument, timeOf(row["timestamp"], `${at}.timestamp`), receivedNs, {
    $case: "trade",
    value: {
      price: priceOf(row["price"], `${at}.price`),
      size: positiveSizeOf(row["size"], `${at}.size`),
      aggressor: sideOf(row["side"], `${at}.side`, "Buy", "Sell"),
      tradeId: textOf(row["trdMatchID"], `${at}.trdMatchID`),
      lastKnown: action === "partial",
    },
  });

/** One book change an instrument. A row that cannot be read puts the books of the message in doubt, and no row counts. */
function booksOf(table: Table, instruments: Instruments, books: Map<string, LevelIds>): Normalized {
  const groups = groupBySymbol(table, instruments);
  const events: NormalizedMarketDataEvent[] = [];
  const problems: Problem[] = [];
  for (const { instrument, rows, paths } of groups) {
    const inDoubt = (reason: string): Problem => ({
      kind: FeedAlertKind.BOOK_IN_DOUBT,
      stream: "books",
      instrument,
      reason,
    });
    try {
      const changed = applyRows(table, instrument, rows, paths, books);
      problems.push(...changed.doubts.map(inDoubt));
      if (changed.event) events.push(changed.event);
    } catch (failure) {
      if (!(failure instanceof DistributionError)) throw failure;
      problems.push({ kind: FeedAlertKind.MALFORMED, stream: "books", instrument, reason: failure.message });
      problems.push(inDoubt(`A change was not readable: ${failure.message}`));
    }
  }
  return { events, problems };
}

interface SymbolRows {
  readonly instrument: Instrument;
  readonly rows: RawObject[];
  readonly paths: string[];
}

function groupBySymbol({ action, message, rows }: Table, instruments: Instruments): Iterable<SymbolRows> {
  const groups = new Map<string, SymbolRows>();
  const groupOf = (symbol: string, path: string): SymbolRows => {
    let group = groups.get(symbol);
    if (!group) {
      group = { instrument: instruments.of(symbol, path), rows: [], paths: [] };
      groups.set(symbol, group);
    }
    return group;
  };
  const filter = message["filter"];
  // An empty book is told as a partial without rows; only its filter names the instrument.
  if (action === "partial" && isObject(filter) && filter["symbol"] !== undefined) {
    groupOf(textOf(filter["symbol"], "message.filter.symbol"), "message.filter.symbol");
  }
  for (const [index, row] of rows.entries()) {
    const at = `message.data[${index}]`;
    const group = groupOf(textOf(row["symbol"], `${at}.symbol`), `${at}.symbol`);
    group.rows.push(row);
    group.paths.push(at);
  }
  return groups.values();
}

function applyRows(
  { action, receivedNs }: Table,
  instrument: Instrument,
  rows: readonly RawObject[],
  paths: readonly string[],
  books: Map<string, LevelIds>,
): { readonly event?: NormalizedMarketDataEvent; readonly doubts: readonly string[] } {
  const known = books.get(instrument.symbol);
  if (action !== "partial" && known === undefined) return { doubts: ["A change came before the first partial."] };
  const ids = action === "partial" || known === undefined ? createLevelIds(MAX_LEVELS) : known;
  const time = rows.length === 0 ? 0n : optionalTimeOf(rows[0]?.["timestamp"], `${paths[0]}.timestamp`);
  const changes = rows.map((row, index) => ids.read(row, paths[index] ?? "", action));

  const levels: BookLevel[] = [];
  const doubts: string[] = [];
  for (const change of changes) {
    const level = ids.apply(change);
    if (typeof level === "string") doubts.push(level);
    else levels.push(level);
  }
  books.set(instrument.symbol, ids);
  if (levels.length === 0 && action !== "partial") return { doubts };
  const payload = action === "partial" ? snapshotOf(levels) : deltaOf(levels);
  return { event: normalizedEvent(instrument, time, receivedNs, payload), doubts };
}
