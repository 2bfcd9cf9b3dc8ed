/** Findings for tests: what is usual is filled in. */
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { Direction, IntelligenceEvent, QualityTier } from "@distribution/proto-types/intelligence/v1/intelligence";
import { EVENT_TYPES, type FindingType, TOPICS } from "../../src/domain/topics.ts";

type Payload = NonNullable<IntelligenceEvent["payload"]>;

export const SYMBOL = "BTC-USD";
/** 2026-11-23T14:00:00Z, ns. */
export const NOON = 1_795_442_400_000_000_000n;
export const SECOND = 1_000_000_000n;

const PAYLOADS: Readonly<Record<FindingType, Payload>> = {
  signal: {
    $case: "signal",
    value: { model: "trend-7", direction: Direction.UP, strength: "0.4", horizon: 600n * SECOND },
  },
  news: {
    $case: "news",
    value: { headline: "It rallies", publisher: "Wire", publishedAt: NOON - SECOND, language: "en" },
  },
  sentiment: { $case: "sentiment", value: { score: "-0.35", mentions: 412, window: 300n * SECOND } },
  synthesis: {
    $case: "synthesis",
    value: { direction: Direction.DOWN, summary: "They disagree.", intelligenceIds: ["i-source"] },
  },
};

/** A payload of the kind. `change`: what is to be otherwise. */
export function finding(type: FindingType, id: string, change: Partial<IntelligenceEvent> = {}): IntelligenceEvent {
  return {
    ...{ intelligenceId: id, symbol: SYMBOL, qualityTier: QualityTier.SILVER, confidence: "0.72", urgency: 2 },
    ...{ targetWorkflows: [], producedAt: NOON, validUntil: 0n, payload: PAYLOADS[type], ...change },
  };
}

export const synthesisOf = (id: string, sources: readonly string[], change: Partial<IntelligenceEvent> = {}) =>
  finding("synthesis", id, {
    payload: {
      $case: "synthesis",
      value: { direction: Direction.NEUTRAL, summary: "Both.", intelligenceIds: [...sources] },
    },
    ...change,
  });

export const typeOf = ({ payload }: IntelligenceEvent): FindingType => payload!.$case;

/** The topic that findings of its kind are published on. */
export const topicOf = (data: IntelligenceEvent): string => TOPICS[typeOf(data)];

export const bytesOf = (data: IntelligenceEvent): Buffer => Buffer.from(IntelligenceEvent.encode(data).finish());

/** As an event to publish; its id is the finding's own. */
export function eventOf(data: IntelligenceEvent, change: Partial<Event> = {}): Event {
  return Event.create({
    ...{ id: `e-${data.intelligenceId}`, source: "/test/models", type: EVENT_TYPES[typeOf(data)] },
    ...{ subject: data.symbol, key: data.symbol, contentType: "application/protobuf", data: bytesOf(data) },
    ...change,
  });
}
