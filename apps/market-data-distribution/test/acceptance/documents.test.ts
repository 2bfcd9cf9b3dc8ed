/** Given the service's documents, when it answers, then as they say. */
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { describeDocuments } from "@distribution/testkit/service";
import { EVENT_TYPES } from "../../src/domain/event-types.ts";
import { TOPICS } from "../../src/domain/topics.ts";
import { bar, level, normalized, quote, snapshot, trade } from "../support/market.ts";
import { getAfter, publishEvents } from "../support/rest.ts";
import { startService } from "../support/service.ts";

const INSTRUMENT = "coinbase:YFI-BTC";

const TOLD = [
  [TOPICS.quotes, EVENT_TYPES.quote, quote("1.5", "2"), "/quote", INSTRUMENT],
  [TOPICS.trades, EVENT_TYPES.trade, trade("1.5", "1"), "/trades", INSTRUMENT],
  [TOPICS.books, EVENT_TYPES.book, snapshot(level("buy", "1", "1"), level("sell", "2", "3")), "/book", INSTRUMENT],
  [TOPICS.bars, EVENT_TYPES.bar, bar("1m", 60_000_000_000n), "/bars", `${INSTRUMENT}@1m`],
] as const;

describeDocuments({
  name: "market-data",
  async start() {
    const service = await startService();
    for (const [topic, type, payload, read, key] of TOLD) {
      const data = Buffer.from(NormalizedMarketDataEvent.encode(normalized(INSTRUMENT, payload)).finish());
      const event = Event.create({ id: type, source: "/test", type, key, contentType: "application/protobuf", data });
      await getAfter(
        service.ports,
        await publishEvents(service.ports, topic, [event]),
        `/instruments/${INSTRUMENT}${read}`,
      );
    }
    return service;
  },
  eventTypes: Object.values(EVENT_TYPES),
  answers: [
    ["/instruments", "/instruments", "instruments"],
    ["/instruments/{instrument}/quote", `/instruments/${INSTRUMENT}/quote`, "quote"],
    ["/instruments/{instrument}/trades", `/instruments/${INSTRUMENT}/trades`, "trades"],
    ["/instruments/{instrument}/book", `/instruments/${INSTRUMENT}/book`, "book"],
    ["/instruments/{instrument}/bars", `/instruments/${INSTRUMENT}/bars`, "bars"],
  ],
});
