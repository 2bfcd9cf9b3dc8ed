/** Trades to publish, as protobuf payloads in events of market-data.trades; what is usual is filled in. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent, Side } from "@distribution/proto-types/market_data/v1/market_data";

export const TRADES = "market-data.trades";
export const SOURCE = "/test/desk";

export interface TradeFields {
  readonly id: string;
  readonly symbol?: string;
  readonly price?: string;
  readonly source?: string;
  readonly sequence?: bigint;
  /** Makes the event about so many bytes longer, by an extension attribute. */
  readonly padding?: number;
}

export function tradeEvent(fields: TradeFields): Event {
  const { id, symbol = "BTC-USD", price = "100", source = SOURCE, sequence = 0n, padding = 0 } = fields;
  const instrument = `test:${symbol}`;
  const value = { price, size: "1", aggressor: Side.BUY, tradeId: id, lastKnown: false };
  const data = NormalizedMarketDataEvent.encode({
    ...{ venue: "test", symbol, instrument, exchangeTime: 1n, receivedTime: 2n },
    payload: { $case: "trade", value },
  }).finish();
  return Event.create({
    ...{ id, source, type: "market-data.trade.v1", subject: instrument, key: instrument, sequence },
    class: EventClass.TRADE,
    contentType: "application/protobuf",
    data: Buffer.from(data),
    extensions: padding > 0 ? { padding: { value: { $case: "text", value: "x".repeat(padding) } } } : {},
  });
}

/** The same as a CloudEvents object with a JSON payload. */
export function tradeCloudEvent(fields: TradeFields): Record<string, unknown> & { readonly data: object } {
  const { id, symbol = "BTC-USD", price = "100", source = SOURCE, sequence = 0n } = fields;
  const instrument = `test:${symbol}`;
  return {
    ...{ specversion: "1.0", id, source, type: "market-data.trade.v1", subject: instrument },
    ...{ partitionkey: instrument, eventclass: "trade", datacontenttype: "application/json" },
    ...(sequence > 0n && { sequence: String(sequence) }),
    data: {
      ...{ venue: "test", symbol, instrument, exchangeTime: "1", receivedTime: "2" },
      trade: { price, size: "1", aggressor: "SIDE_BUY", tradeId: id },
    },
  };
}

export const SYMBOLS = ["BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "ADA-USD"];

/** `count` trades, ids `<prefix>-<n>`, over all symbols in turn. */
export function trades(prefix: string, count: number, fields: Partial<TradeFields> = {}): Event[] {
  return Array.from({ length: count }, (_, index) =>
    tradeEvent({ id: `${prefix}-${index}`, symbol: SYMBOLS[index % SYMBOLS.length]!, ...fields }),
  );
}
