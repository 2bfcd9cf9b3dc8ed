/** What holds of intelligence, whoever made it. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { type IntelligenceEvent, QualityTier } from "@distribution/proto-types/intelligence/v1/intelligence";
import { exact } from "./exact.ts";
import { found, must, same } from "./must.ts";

const TYPES = {
  signal: "intelligence.signal.v1",
  news: "intelligence.news.v1",
  sentiment: "intelligence.sentiment.v1",
  synthesis: "intelligence.synthesis.v1",
} as const;

export class IntelligenceReader {
  readonly known = new Map<string, IntelligenceEvent>();
  readonly urgencies = new Map<number, number>();

  read({ key, type, time }: Event, message: IntelligenceEvent): void {
    const { intelligenceId, symbol, confidence, producedAt, validUntil, urgency, payload } = message;
    must(!this.known.has(intelligenceId), "the id is new");
    this.known.set(intelligenceId, message);
    same(key, symbol, "key");
    same(producedAt, time, "time of production");
    must(payload !== undefined, "it carries something");
    same(type, TYPES[payload.$case], "type");
    const least = message.qualityTier === QualityTier.GOLD ? "0.75" : "0.2";
    must(exact(confidence) >= exact(least) && exact(confidence) <= exact("1"), "confidence fits the tier");
    must(validUntil === 0n || validUntil > producedAt, "it is valid for a while");
    must(urgency <= 9, "urgency is 0 to 9");
    this.urgencies.set(urgency, (this.urgencies.get(urgency) ?? 0) + 1);
    if (payload.$case === "synthesis") {
      must(payload.value.intelligenceIds.length >= 2, "a conclusion has two sources");
      for (const id of payload.value.intelligenceIds) this.expectValid(id, symbol, time);
    }
    if (payload.$case === "news") {
      must(payload.value.headline !== "", "news has a headline");
      must(payload.value.publishedAt < time, "news is published before it is found");
    }
  }

  /** It was told before, is about the symbol, and has not run out. */
  expectValid(id: string, symbol: string, time: bigint): void {
    const source = found(this.known.get(id), `intelligence ${id} was told of`);
    same(source.symbol, symbol, "symbol of a source");
    must(source.validUntil === 0n || source.validUntil > time, "a source is valid still");
  }
}
