/** A finding: one piece of intelligence, as the payload of its event says it. What must hold of every one is held here. */
import { fieldError } from "@distribution/core/errors";
import { canonicalDecimal } from "@distribution/core/events";
import { Direction, IntelligenceEvent, QualityTier } from "@distribution/proto-types/intelligence/v1/intelligence";

export const TIERS = ["gold", "silver", "bronze"] as const;

export type Tier = (typeof TIERS)[number];

type Outlook = "up" | "down" | "neutral";

/** Fields of its kind alone. Decimals are canonical, times and durations nanoseconds. */
export type Details =
  | {
      readonly type: "signal";
      readonly model: string;
      readonly direction?: Outlook;
      readonly strength: string;
      readonly horizon: bigint;
    }
  | {
      readonly type: "news";
      readonly headline: string;
      readonly publisher: string;
      readonly publishedAt: bigint;
      readonly language: string;
    }
  | { readonly type: "sentiment"; readonly score: string; readonly mentions: number; readonly window: bigint }
  | {
      readonly type: "synthesis";
      readonly direction?: Outlook;
      readonly summary: string;
      readonly intelligenceIds: readonly string[];
    };

export interface Finding {
  readonly intelligenceId: string;
  readonly symbol: string;
  /** Absent: not stated. */
  readonly qualityTier?: Tier;
  /** Canonical, 0 to 1: in the order of its text. */
  readonly confidence: string;
  readonly targetWorkflows: readonly string[];
  /** Unix nanoseconds. */
  readonly producedAt: bigint;
  /** Unix nanoseconds; 0: no end. */
  readonly validUntil: bigint;
  readonly urgency: number;
  readonly details: Details;
}

export const MAX_URGENCY = 9;
export const MAX_WORKFLOWS = 16;
/** What one conclusion may name as its sources. */
export const MAX_SOURCES = 64;
export const MAX_ID_CHARACTERS = 128;
export const MAX_SYMBOL_CHARACTERS = 64;
export const MAX_WORKFLOW_CHARACTERS = 64;
export const MAX_DECIMAL_CHARACTERS = 64;

export const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;
export const SYMBOL = /^[A-Za-z0-9.][A-Za-z0-9._/-]*$/;
export const WORKFLOW = /^[a-z0-9-]+$/;
/** `GET /intelligence/latest` is another address. */
const RESERVED_ID = "latest";

/** For projections and for ingest alike: decoded, and checked, once for all of them. */
export const FINDING = {
  /** Throws `invalid_event` at the field below `data` that does not hold. */
  decode: (bytes: Uint8Array): Finding => findingOf(IntelligenceEvent.decode(bytes)),
};

function findingOf(event: IntelligenceEvent): Finding {
  const { intelligenceId, symbol, confidence, targetWorkflows, producedAt, validUntil, urgency } = event;
  checkText(intelligenceId, "intelligence_id", ID, MAX_ID_CHARACTERS, 'letters, digits, ".", "_", ":" and "-"');
  if (intelligenceId === RESERVED_ID)
    throw broken("intelligence_id", `must not be "${RESERVED_ID}": it is an address.`);
  checkText(symbol, "symbol", SYMBOL, MAX_SYMBOL_CHARACTERS, 'letters, digits, "-", "_", "." and "/"');
  if (producedAt <= 0n) throw broken("produced_at", `must be Unix nanoseconds above 0; it is ${producedAt}.`);
  if (validUntil !== 0n && validUntil <= producedAt) {
    throw broken("valid_until", `must be after produced_at, ${producedAt}, or 0 for no end; it is ${validUntil}.`);
  }
  if (urgency > MAX_URGENCY) throw broken("urgency", `must be from 0 to ${MAX_URGENCY}; it is ${urgency}.`);
  checkWorkflows(targetWorkflows);
  const qualityTier = TIER_NAMES[event.qualityTier];
  return {
    ...{ intelligenceId, symbol, targetWorkflows, producedAt, validUntil, urgency },
    ...(qualityTier && { qualityTier }),
    confidence: checkFraction(confidence, "confidence"),
    details: detailsOf(event),
  };
}

const TIER_NAMES: Readonly<Partial<Record<QualityTier, Tier>>> = {
  [QualityTier.GOLD]: "gold",
  [QualityTier.SILVER]: "silver",
  [QualityTier.BRONZE]: "bronze",
};

const OUTLOOKS: Readonly<Partial<Record<Direction, Outlook>>> = {
  [Direction.UP]: "up",
  [Direction.DOWN]: "down",
  [Direction.NEUTRAL]: "neutral",
};

const outlook = (direction: Direction): { readonly direction?: Outlook } => {
  const name = OUTLOOKS[direction];
  return name ? { direction: name } : {};
};

function detailsOf({ payload, intelligenceId }: IntelligenceEvent): Details {
  switch (payload?.$case) {
    case "signal": {
      const { model, direction, strength, horizon } = payload.value;
      const exact = checkFraction(strength, "signal.strength");
      return { type: "signal", model, ...outlook(direction), strength: exact, horizon };
    }
    case "news": {
      const { headline, publisher, publishedAt, language } = payload.value;
      return { type: "news", headline, publisher, publishedAt, language };
    }
    case "sentiment": {
      const { score, mentions, window } = payload.value;
      return { type: "sentiment", score: checkFraction(score, "sentiment.score", -1), mentions, window };
    }
    case "synthesis": {
      const { direction, summary, intelligenceIds } = payload.value;
      checkSources(intelligenceIds, intelligenceId);
      return { type: "synthesis", ...outlook(direction), summary, intelligenceIds };
    }
    default:
      throw broken("payload", "is none of signal, news, sentiment and synthesis; send one.");
  }
}

function checkWorkflows(workflows: readonly string[]): void {
  if (workflows.length > MAX_WORKFLOWS) {
    throw broken("target_workflows", `must be at most ${MAX_WORKFLOWS}; there are ${workflows.length}.`);
  }
  for (const [index, workflow] of workflows.entries()) {
    const path = `target_workflows[${index}]`;
    checkText(workflow, path, WORKFLOW, MAX_WORKFLOW_CHARACTERS, 'lower-case letters, digits and "-"');
  }
}

function checkSources(ids: readonly string[], own: string): void {
  const path = "synthesis.intelligence_ids";
  if (ids.length === 0 || ids.length > MAX_SOURCES) {
    throw broken(path, `must name 1 to ${MAX_SOURCES} findings that it was concluded from; it names ${ids.length}.`);
  }
  for (const [index, id] of ids.entries()) {
    checkText(id, `${path}[${index}]`, ID, MAX_ID_CHARACTERS, 'letters, digits, ".", "_", ":" and "-"');
    if (id === own) throw broken(`${path}[${index}]`, "is the synthesis itself; name what it was concluded from.");
  }
}

function checkText(text: string, path: string, pattern: RegExp, limit: number, allowed: string): void {
  if (text.length === 0 || text.length > limit) {
    throw broken(path, `must be 1 to ${limit} characters; it has ${text.length}.`);
  }
  if (!pattern.test(text)) throw broken(path, `may hold ${allowed} only, and not begin with one that joins.`);
}

/** Canonical, as `fractionOf` gives it. */
function checkFraction(text: string, path: string, least: 0 | -1 = 0): string {
  const exact = fractionOf(text, least);
  if (exact !== undefined) return exact;
  const rule = `must be a decimal from ${least} to 1 in at most ${MAX_DECIMAL_CHARACTERS} characters`;
  throw broken(path, `${rule}; it is ${JSON.stringify(text.slice(0, MAX_DECIMAL_CHARACTERS))}.`);
}

/** The canonical text of a decimal from `least` to 1; undefined for anything else. */
export function fractionOf(text: string, least: 0 | -1): string | undefined {
  const exact = text.length <= MAX_DECIMAL_CHARACTERS ? canonicalDecimal(text) : undefined;
  const magnitude = least === -1 && exact?.startsWith("-") ? exact.slice(1) : exact;
  // Of canonical decimals these are in the range and no others.
  return magnitude === "0" || magnitude === "1" || magnitude?.startsWith("0.") ? exact : undefined;
}

const broken = (path: string, message: string) => fieldError("invalid_event", `data.${path}`, message);
