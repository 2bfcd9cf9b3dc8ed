/** One venue's feed: lines of a recording in, events to publish out. No I/O and no clock; the player gives it both. */
import { DistributionError } from "@distribution/core/errors";
import {
  FeedAlertKind,
  FeedState,
  type NormalizedMarketDataEvent,
} from "@distribution/proto-types/market_data/v1/market_data";
import type { BarBuilder, BarOfInstrument } from "../bars.ts";
import { parseInstrument } from "../instruments.ts";
import { createEnveloper, type Enveloper, type Outgoing } from "./envelope.ts";
import { alertOf, createTally, isTold, statusOf, type Tally } from "./feed-status.ts";
import type { Normalizer, Problem } from "./normalizer.ts";
import { parseRecordedLine, type RecordedMessage } from "./raw-message.ts";
import type { RecordedLine } from "./recording.ts";

export interface FeedOptions {
  /** Names the feed in ids and sources, 1 to 64 of [a-z0-9-]; usually the venue. */
  readonly name: string;
  /** Unique to this run of the process. */
  readonly runId: string;
  readonly createNormalizer: () => Normalizer;
  readonly bars: BarBuilder;
}

export interface FeedStats {
  /** Lines read, over all rounds. */
  readonly lines: number;
  /** Lines that told nothing of the market: confirmations and heartbeats. */
  readonly control: number;
  /** Events made. */
  readonly events: number;
  /** Problems by kind, for example `GAP`. Each is also told on `market-data.status`, at 1, 2, 4, 8 ... of a kind. */
  readonly problems: Readonly<Record<string, number>>;
}

export interface Feed {
  /** A new connection: state up, and nothing known of before. `round` counts from 1 and makes the ids of rounds differ. */
  start(round: number, nowNs: bigint): readonly Outgoing[];
  /** `shiftNs` is added to every time of the recording: 0 keeps the recorded times. */
  line(line: number, parsed: ParsedLine, shiftNs: bigint): readonly Outgoing[];
  /** Counts and tells a problem that arose after the feed, such as an event that was refused. */
  report(problem: Problem, nowNs: bigint): readonly Outgoing[];
  /** State down. `flushBars` also tells the bars that are still open. */
  stop(reason: string, nowNs: bigint, flushBars: boolean): readonly Outgoing[];
  readonly stats: FeedStats;
}

/** A line's message, or why it has none. */
export type ParsedLine = RecordedMessage | DistributionError;

/** Never throws on what a line holds: what is wrong with it is an answer, to be counted and told. */
export function parseLine({ text, bytes }: RecordedLine): ParsedLine {
  if (text === undefined) return new DistributionError("invalid_event", `line: has ${bytes} bytes, more than is read.`);
  try {
    return parseRecordedLine(text);
  } catch (failure) {
    return expected(failure);
  }
}

export function createFeed(options: FeedOptions): Feed {
  return new VenueFeed(options);
}

class VenueFeed implements Feed {
  readonly #options: FeedOptions;
  readonly #enveloper: Enveloper;
  readonly #tally: Tally = createTally();
  readonly #counts = { lines: 0, control: 0, events: 0 };
  #normalizer: Normalizer;
  #state: FeedState = FeedState.DOWN;
  #round = 1;
  #line = 0;
  /** Events of the current line so far: the last part of their ids. */
  #eventOfLine = 0;
  #lastNs = 0n;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#enveloper = createEnveloper(options.name, options.runId);
    this.#normalizer = options.createNormalizer();
  }

  get stats(): FeedStats {
    return { ...this.#counts, problems: this.#tally.byKind() };
  }

  start(round: number, nowNs: bigint): readonly Outgoing[] {
    this.#round = round;
    this.#moveTo(0);
    this.#normalizer = this.#options.createNormalizer();
    this.#state = FeedState.UP;
    this.#lastNs = nowNs;
    return [this.#status("The feed is connected.", nowNs)];
  }

  line(line: number, parsed: ParsedLine, shiftNs: bigint): readonly Outgoing[] {
    this.#moveTo(line);
    this.#counts.lines += 1;
    if (parsed instanceof DistributionError) return this.report(malformed(parsed), this.#lastNs);
    const nowNs = parsed.receivedNs + shiftNs;
    this.#lastNs = nowNs;
    const outgoing = this.#options.bars.advance(nowNs).map((bar) => this.#bar(bar, nowNs));
    outgoing.push(...this.#fromMessage(parsed, nowNs, shiftNs));
    return outgoing;
  }

  report(problem: Problem, nowNs: bigint): readonly Outgoing[] {
    const count = this.#tally.add(problem);
    if (!isTold(count)) return [];
    return [this.#wrap(alertOf(this.#aboutNow(nowNs), problem, count, this.#line))];
  }

  stop(reason: string, nowNs: bigint, flushBars: boolean): readonly Outgoing[] {
    this.#moveTo(this.#line + 1);
    this.#state = FeedState.DOWN;
    const open = flushBars ? this.#options.bars.flush().map((bar) => this.#bar(bar, nowNs)) : [];
    return [...open, this.#status(reason, nowNs)];
  }

  #fromMessage(parsed: RecordedMessage, nowNs: bigint, shiftNs: bigint): readonly Outgoing[] {
    const normalized = this.#normalized(parsed, nowNs);
    if (normalized instanceof DistributionError) return this.report(malformed(normalized), nowNs);
    const { events, problems } = normalized;
    if (events.length === 0 && problems.length === 0) this.#counts.control += 1;
    const outgoing: Outgoing[] = [];
    for (const event of events) {
      if (event.exchangeTime !== 0n) event.exchangeTime += shiftNs;
      outgoing.push(this.#wrap(event), ...this.#throughBars(event));
    }
    for (const problem of problems) outgoing.push(...this.report(problem, nowNs));
    return outgoing;
  }

  #normalized(parsed: RecordedMessage, nowNs: bigint): ReturnType<Normalizer["normalize"]> | DistributionError {
    try {
      return this.#normalizer.normalize(parsed.message, nowNs);
    } catch (failure) {
      return expected(failure);
    }
  }

  #throughBars({ payload, instrument, exchangeTime, receivedTime }: NormalizedMarketDataEvent): readonly Outgoing[] {
    if (payload?.$case !== "trade" || payload.value.lastKnown) return [];
    const { price, size, tradeId } = payload.value;
    const change = this.#options.bars.add({ instrument, time: exchangeTime, price, size });
    const late = change.missed.map((interval) => ({
      kind: FeedAlertKind.LATE_TRADE,
      stream: "trades" as const,
      instrument: parseInstrument(instrument),
      reason: `Trade ${tradeId} is outside the time that bars take trades for; the ${interval} bar lacks it.`,
    }));
    return [
      ...change.bars.map((bar) => this.#bar(bar, receivedTime)),
      ...late.flatMap((problem) => this.report(problem, receivedTime)),
    ];
  }

  #bar({ instrument, bar }: BarOfInstrument, nowNs: bigint): Outgoing {
    const { venue, symbol, key } = parseInstrument(instrument);
    const payload = { $case: "bar", value: bar } as const;
    return this.#wrap({ venue, symbol, instrument: key, exchangeTime: bar.end, receivedTime: nowNs, payload });
  }

  #status(reason: string, nowNs: bigint): Outgoing {
    return this.#wrap(statusOf(this.#aboutNow(nowNs), reason));
  }

  #aboutNow(nowNs: bigint): Parameters<typeof statusOf>[0] {
    return { venue: this.#normalizer.venue, state: this.#state, nowNs };
  }

  #wrap(data: NormalizedMarketDataEvent): Outgoing {
    this.#eventOfLine += 1;
    this.#counts.events += 1;
    const { runId, name } = this.#options;
    return this.#enveloper.wrap(data, `${runId}-${this.#round}:${name}:${this.#line}:${this.#eventOfLine}`);
  }

  #moveTo(line: number): void {
    this.#line = line;
    this.#eventOfLine = 0;
  }
}

const malformed = ({ message }: DistributionError): Problem => ({ kind: FeedAlertKind.MALFORMED, reason: message });

/** A failure that is not about the message is a defect, and is not hidden. */
function expected(failure: unknown): DistributionError {
  if (failure instanceof DistributionError) return failure;
  throw failure;
}
