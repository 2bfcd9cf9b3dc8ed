/** The JSON Schemas of what the domain's endpoints answer, by name, for `components.schemas`. */
import { arrayOf, type JsonSchema, objectOf, schemaRef } from "@distribution/core/transport/documents";
import { BAR_INTERVAL_NAMES } from "./bar-intervals.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });

const decimal = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^-?(0|[1-9][0-9]*)(\\.[0-9]*[1-9])?$",
  description,
});

const time = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^[0-9]+$",
  description: `${description} Unix nanoseconds; "0": not stated.`,
});

const times = {
  exchangeTime: time("When it happened, by the venue's clock."),
  receivedTime: time("When the feed received it."),
};

export const MARKET_DATA_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Instrument: objectOf({
    instrument: text("venue:symbol."),
    venue: text("Such as coinbase."),
    symbol: text("The venue's own name, such as YFI-BTC."),
    has: arrayOf({ type: "string", enum: ["quote", "trades", "book", "bars"] }, "What is known of it."),
  }),
  Quote: objectOf(
    {
      ...times,
      bidPrice: decimal("Best bid; absent: nobody bids."),
      bidSize: decimal("Size at the best bid; absent: the venue does not state it."),
      askPrice: decimal("Best offer; absent: nobody offers."),
      askSize: decimal("Size at the best offer; absent: the venue does not state it."),
    },
    ["bidPrice", "bidSize", "askPrice", "askSize"],
  ),
  Trade: objectOf(
    {
      ...times,
      price: decimal("In the quote currency."),
      size: decimal("In the base currency, or contracts where the venue trades contracts."),
      aggressor: { type: "string", enum: ["buy", "sell"], description: "The taker's side; absent: not stated." },
      tradeId: text("The venue's own id."),
      lastKnown: { type: "boolean", description: "It was the last trade before the feed connected." },
    },
    ["aggressor"],
  ),
  Book: objectOf({
    bids: arrayOf(schemaRef("BookLevel"), "From the highest price down."),
    asks: arrayOf(schemaRef("BookLevel"), "From the lowest price up."),
    complete: { type: "boolean", description: "False: no snapshot came yet; levels that did not change are missing." },
    truncated: { type: "boolean", description: "True: there may be levels beyond those given; they are not kept." },
  }),
  BookLevel: objectOf({ price: decimal("In the quote currency."), size: decimal("All that rests at the price.") }),
  Bar: objectOf({
    interval: { type: "string", enum: BAR_INTERVAL_NAMES, description: "Its length." },
    start: time("First moment."),
    end: time("First moment after it."),
    open: decimal("First price."),
    high: decimal("Highest price."),
    low: decimal("Lowest price."),
    close: decimal("Last price."),
    volume: decimal("Sum of the sizes."),
    tradeCount: { type: "string", pattern: "^[0-9]+$", description: "Number of trades." },
    revision: { type: "integer", minimum: 0, description: "One more each time a late trade corrected it." },
  }),
};
