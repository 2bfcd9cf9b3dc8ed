/** The JSON Schemas of what the endpoints answer, by name, for `components.schemas`. */
import { arrayOf, type JsonSchema, objectOf, schemaRef } from "@distribution/core/transport/documents";
import { MAX_SOURCES, MAX_URGENCY, MAX_WORKFLOWS, TIERS } from "./findings.ts";
import { FINDING_TYPES } from "./topics.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });

const decimal = (description: string): JsonSchema => ({
  type: "string",
  pattern: "^-?(0|1|0\\.[0-9]*[1-9])$",
  description,
});

const integer = (description: string, bounds: object = {}): JsonSchema => ({
  ...{ type: "integer", minimum: 0, ...bounds },
  description,
});

/** int64 as text. */
const nanoseconds = (description: string): JsonSchema => ({ type: "string", pattern: "^-?[0-9]+$", description });

const direction: JsonSchema = {
  type: "string",
  enum: ["up", "down", "neutral"],
  description: "Where the price is expected to go; absent: not stated.",
};

const type: JsonSchema = { type: "string", enum: FINDING_TYPES };

const ids = (description: string): JsonSchema => ({
  ...arrayOf({ type: "string" }, description),
  maxItems: MAX_SOURCES,
});

export const INTELLIGENCE_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Finding: {
    description:
      "One piece of intelligence. Of signal, news, sentiment and synthesis it has the one that its type names.",
    ...objectOf(
      {
        intelligenceId: text("Its own id; no other finding has it."),
        symbol: text("What it is about, such as BTC-USD: the key of its event."),
        type,
        qualityTier: { type: "string", enum: TIERS, description: "How well it was checked; absent: not stated." },
        confidence: decimal("0 to 1."),
        targetWorkflows: {
          ...arrayOf({ type: "string" }, "Whom it is meant for; empty: whoever wants it."),
          maxItems: MAX_WORKFLOWS,
        },
        producedAt: nanoseconds("When it was found out, Unix nanoseconds."),
        validUntil: nanoseconds("From then on it is expired, Unix nanoseconds; absent: no end."),
        urgency: integer("From 7 on it is urgent.", { maximum: MAX_URGENCY }),
        signal: objectOf(
          {
            model: text("What expects it."),
            direction,
            strength: decimal("0 to 1."),
            horizon: nanoseconds("How far ahead it looks, nanoseconds."),
          },
          ["direction"],
        ),
        news: objectOf({
          headline: text("As published."),
          publisher: text("Who published it."),
          publishedAt: nanoseconds("Unix nanoseconds; 0: not stated."),
          language: text("ISO 639-1, such as en."),
        }),
        sentiment: objectOf({
          score: decimal("-1 to 1."),
          mentions: integer("Counted in the window."),
          window: nanoseconds("Nanoseconds."),
        }),
        synthesis: objectOf(
          { direction, summary: text("For people."), intelligenceIds: ids("What it was concluded from.") },
          ["direction"],
        ),
      },
      ["qualityTier", "validUntil", ...FINDING_TYPES],
    ),
  },
  Sources: {
    description: "What a synthesis was concluded from, in the order in which it names it.",
    ...objectOf({
      findings: arrayOf(schemaRef("Finding"), "Those that are kept."),
      missing: ids("Ids of those that are not kept, or never came."),
    }),
  },
  Symbol: objectOf({
    symbol: text("Such as BTC-USD."),
    types: arrayOf(
      objectOf({
        type,
        findings: integer("How many were told."),
        lastProducedAt: nanoseconds("When the newest was found out, Unix nanoseconds."),
      }),
      "What there is of it.",
    ),
  }),
};
