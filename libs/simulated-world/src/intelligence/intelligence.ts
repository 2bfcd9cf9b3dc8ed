/** What is found out about instruments: signals, news, sentiment, and conclusions from what was found out before. */
import {
  type IntelligenceEvent,
  Direction as Outlook,
  QualityTier,
} from "@distribution/proto-types/intelligence/v1/intelligence";
import { decimalText, thousandths } from "../engine/decimals.ts";
import { KINDS, type Kind } from "../engine/kinds.ts";
import type { Instrument } from "../instruments.ts";
import { pickInstrument, scheduleArrival } from "../market/activity.ts";
import { NEWS_SHARE } from "../market/paces.ts";
import { jumpPrice } from "../market/prices.ts";
import { SECOND_US, type Simulation } from "../simulation.ts";
import type { Finding } from "../state.ts";
import { headline } from "./headlines.ts";

type Payload = NonNullable<IntelligenceEvent["payload"]>;

/** Of intelligence, beside news; the rest is conclusions. */
const SENTIMENT_SHARE = 0.22;
const SIGNAL_SHARE = 0.55;

/** Findings of one instrument that later events may rest on: the newest. */
const FINDINGS = 8;
/** Sources of one conclusion at most. */
const SOURCES = 4;

const MODELS = ["trend-7", "reversal-3", "carry-2", "flow-11"];
const WORKFLOWS = ["compliance", "execution-desk", "momentum-desk", "research", "risk-desk"];

const OUTLOOKS = [Outlook.UP, Outlook.UP, Outlook.NEUTRAL, Outlook.DOWN, Outlook.DOWN];
const CONCLUSIONS = [
  { direction: Outlook.UP, verdict: "agree: up" },
  { direction: Outlook.NEUTRAL, verdict: "disagree" },
  { direction: Outlook.DOWN, verdict: "agree: down" },
];

/** Thousandths in which confidence lies, by how well something was checked; each takes its share of what is left. */
const TIERS = [
  { tier: QualityTier.GOLD, share: 0.15, least: 750, most: 990 },
  { tier: QualityTier.SILVER, share: 0.45, least: 500, most: 900 },
  { tier: QualityTier.BRONZE, share: 1, least: 200, most: 700 },
] as const;

const NS_PER_SECOND = 1_000_000_000n;

export function intelligenceArrives(world: Simulation): void {
  scheduleArrival(world, "intelligence");
  const { random } = world;
  const instrument = pickInstrument(world);
  const drawn = random.next();
  if (drawn < NEWS_SHARE) tellNews(world, instrument);
  else if (drawn < NEWS_SHARE + SENTIMENT_SHARE) tellSentiment(world, instrument);
  else if (drawn < NEWS_SHARE + SENTIMENT_SHARE + SIGNAL_SHARE) tellSignal(world, instrument);
  else conclude(world, instrument);
}

/** One to three valid findings about the instrument, the newest; where there is none, one is made first. */
export function findingsFor(world: Simulation, instrument: Instrument): readonly string[] {
  if (valid(world, instrument).length === 0) tellSignal(world, instrument);
  return valid(world, instrument)
    .slice(-world.random.between(1, 3))
    .map(({ id }) => id);
}

/** From two findings at least; while there are fewer, a signal. */
function conclude(world: Simulation, instrument: Instrument): void {
  const sources = valid(world, instrument).slice(-world.random.between(2, SOURCES));
  if (sources.length < 2) tellSignal(world, instrument);
  else tellSynthesis(world, instrument, sources);
}

function tellSignal(world: Simulation, instrument: Instrument): void {
  const { random } = world;
  const horizon = BigInt(random.between(1, 120)) * 30n * NS_PER_SECOND;
  const model = random.pick(MODELS);
  const direction = random.pick(OUTLOOKS);
  const strength = thousandths(random.between(50, 1000));
  tellFinding(world, KINDS.signal, instrument, { $case: "signal", value: { model, direction, strength, horizon } });
}

function tellNews(world: Simulation, instrument: Instrument): void {
  const { random } = world;
  const direction = random.chance(0.5) ? 1 : -1;
  const { text, publisher } = headline(random, instrument.symbol, direction);
  const publishedAt = world.teller.nowNs - BigInt(random.between(50, 5000)) * 1_000_000n;
  if (random.chance(world.paces.startlingNews)) jumpPrice(world, instrument, direction);
  const value = { headline: text, publisher, publishedAt, language: "en" };
  tellFinding(world, KINDS.news, instrument, { $case: "news", value });
}

function tellSentiment(world: Simulation, instrument: Instrument): void {
  const { random } = world;
  const score = decimalText(BigInt(random.between(-1000, 1000)), 3);
  const mentions = 1 + Math.floor(random.exponential(200));
  const window = BigInt(random.pick([60, 300, 900])) * NS_PER_SECOND;
  tellFinding(world, KINDS.sentiment, instrument, { $case: "sentiment", value: { score, mentions, window } });
}

function tellSynthesis(world: Simulation, instrument: Instrument, sources: readonly Finding[]): void {
  const { direction, verdict } = world.random.pick(CONCLUSIONS);
  const value = {
    direction,
    summary: `${sources.length} findings on ${instrument.symbol} ${verdict}`,
    intelligenceIds: sources.map(({ id }) => id),
  };
  tellFinding(world, KINDS.synthesis, instrument, { $case: "synthesis", value });
}

function tellFinding(
  world: Simulation,
  kind: Kind<IntelligenceEvent>,
  { index, symbol }: Instrument,
  payload: Payload,
) {
  const { random, teller } = world;
  const id = world.newId("i");
  const { tier, least, most } = TIERS.find(({ share }) => random.chance(share)) ?? TIERS[2];
  const confidence = random.between(least, most);
  const urgency = drawUrgency(world);
  const validUntil = random.chance(0.1) ? 0 : world.nowUs + random.between(30, 3600) * SECOND_US;
  const targetWorkflows = drawWorkflows(world);
  teller.tell<IntelligenceEvent>(kind, symbol, symbol, 0, () => ({
    intelligenceId: id,
    symbol,
    qualityTier: tier,
    confidence: thousandths(confidence),
    targetWorkflows,
    producedAt: teller.nowNs,
    validUntil: validUntil === 0 ? 0n : teller.nsAt(validUntil),
    urgency,
    payload,
  }));
  const findings = world.state.findings[index]!;
  findings.push({ id, validUntil });
  if (findings.length > FINDINGS) findings.shift();
}

function valid({ state, nowUs }: Simulation, { index }: Instrument): readonly Finding[] {
  return state.findings[index]!.filter(({ validUntil }) => validUntil === 0 || validUntil > nowUs);
}

/** 0 to 9; one in ten overtakes what is routine. */
function drawUrgency({ random }: Simulation): number {
  const drawn = random.next();
  if (drawn < 0.7) return random.between(0, 2);
  if (drawn < 0.9) return random.between(3, 6);
  return drawn < 0.98 ? random.between(7, 8) : 9;
}

function drawWorkflows({ random }: Simulation): string[] {
  const drawn = random.next();
  if (drawn < 0.4) return [];
  const first = random.below(WORKFLOWS.length);
  if (drawn < 0.85) return [WORKFLOWS[first]!];
  return [WORKFLOWS[first]!, WORKFLOWS[(first + 1) % WORKFLOWS.length]!];
}
