/**
 * The routes of this service: copies of the few events that some readers want of a busy topic, for those who would not
 * read it all, may not, or come when it has been deleted there. Each event stays on the topic that it was published on.
 */
import type { RouteDefinition } from "@distribution/core/routing";
import { EVENT_TYPES } from "./event-types.ts";
import { TOPICS } from "./topics.ts";

/** From this size on a trade is large, in the instrument's own unit. Instruments that are not listed have no large trades. */
export const LARGE_TRADE_SIZES: Readonly<Record<string, string>> = {
  // Contracts of 1 USD.
  "bitmex:XBTUSD": "5000",
  "coinbase:BTC-USD": "5",
  "coinbase:ETH-USD": "50",
  "coinbase:DASH-BTC": "2",
  "coinbase:SKL-USD": "5000",
};

export const HIGHEST_PRIORITY = 9;

/** A route an instrument: its key is looked up, and only its own trades are looked into. */
const largeTrades = Object.entries(LARGE_TRADE_SIZES).map(
  ([instrument, size]): RouteDefinition => ({
    name: `large-${instrument.toLowerCase().replace(":", "-")}`,
    when: {
      topics: [TOPICS.trades],
      types: [EVENT_TYPES.trade],
      keys: [instrument],
      // The last trade before a feed connected was large when it happened, and may have been told then.
      filter: `data.trade.size >= ${size} && !data.trade.last_known`,
    },
    to: [TOPICS.trades, TOPICS.largeTrades],
  }),
);

export const MARKET_DATA_ROUTES: readonly RouteDefinition[] = [
  {
    name: "alerts",
    when: { topics: [TOPICS.status], types: [EVENT_TYPES.alert] },
    to: [TOPICS.status, TOPICS.alerts],
    priority: HIGHEST_PRIORITY,
  },
  ...largeTrades,
];
