/** Normalized payloads → events ready to publish: topic, type, key, source, sequence and id. */
import { type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { EVENT_TYPES } from "../event-types.ts";
import { TOPICS } from "../topics.ts";

export interface Outgoing {
  readonly topic: string;
  readonly event: Event;
}

export interface Enveloper {
  /** `id` is unique within the feed and run. */
  wrap(data: NormalizedMarketDataEvent, id: string): Outgoing;
}

interface Kind {
  /** Names the stream in the event's source: each stream has a sequence of its own, dense by key on its topic. */
  readonly stream: string;
  readonly topic: string;
  readonly type: string;
  readonly class: EventClass;
}

const KINDS = {
  trade: { stream: "trades", topic: TOPICS.trades, type: EVENT_TYPES.trade, class: EventClass.TRADE },
  quote: { stream: "quotes", topic: TOPICS.quotes, type: EVENT_TYPES.quote, class: EventClass.QUOTE },
  book: { stream: "books", topic: TOPICS.books, type: EVENT_TYPES.book, class: EventClass.BOOK },
  bar: { stream: "bars", topic: TOPICS.bars, type: EVENT_TYPES.bar, class: EventClass.STATE },
  status: { stream: "status", topic: TOPICS.status, type: EVENT_TYPES.status, class: EventClass.STATE },
  alert: { stream: "alerts", topic: TOPICS.status, type: EVENT_TYPES.alert, class: EventClass.ALERT },
} as const satisfies Record<string, Kind>;

/** An alert is worth overtaking routine events where a session has a choice. */
const ALERT_PRIORITY = 5;

/**
 * Sequences count from 1 by source and key, and go on for as long as the enveloper lives: one counter a stream and
 * instrument, of which the normalizer bounds the number.
 */
export function createEnveloper(feed: string, runId: string): Enveloper {
  const sequences = new Map<string, bigint>();

  return {
    wrap(data, id) {
      const kind = kindOf(data);
      const key = keyOf(data);
      const counter = `${kind.stream} ${key}`;
      const sequence = (sequences.get(counter) ?? 0n) + 1n;
      sequences.set(counter, sequence);
      const event: Event = {
        id,
        source: `/market-data/feeds/${feed}/${runId}/${kind.stream}`,
        type: kind.type,
        subject: data.instrument,
        time: data.exchangeTime,
        key,
        class: kind.class,
        contentType: "application/protobuf",
        data: Buffer.from(NormalizedMarketDataEvent.encode(data).finish()),
        dataSchema: "",
        sequence,
        ingested: 0n,
        priority: kind === KINDS.alert ? ALERT_PRIORITY : 0,
        extensions: {},
      };
      return { topic: kind.topic, event };
    },
  };
}

function kindOf({ payload }: NormalizedMarketDataEvent): Kind {
  if (payload === undefined) throw new Error("A normalized event has a payload.");
  return payload.$case === "status" && payload.value.alert !== undefined ? KINDS.alert : KINDS[payload.$case];
}

/**
 * The instrument; a bar's interval with it, so that a table keeps one bar of each; and for what is about all of a venue,
 * the venue, with alerts apart from its state.
 */
function keyOf({ venue, instrument, payload }: NormalizedMarketDataEvent): string {
  if (payload?.$case === "bar") return `${instrument}@${payload.value.interval}`;
  if (instrument !== "") return instrument;
  return payload?.$case === "status" && payload.value.alert !== undefined ? `${venue}/alerts` : venue;
}
