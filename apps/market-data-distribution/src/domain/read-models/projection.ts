/** One topic's read model: state by instrument, and the positions it is true at. */
import { DistributionError } from "@distribution/core/errors";
import type { PlacedEvent } from "@distribution/core/tail";
import type { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { parseInstrument } from "../instruments.ts";
import { dataOf } from "./event-data.ts";
import { createInstrumentMap } from "./instrument-map.ts";
import { createTopicPositions } from "./topic-positions.ts";
import type { Answer } from "./views.ts";

export interface ProjectionStats {
  readonly applied: number;
  /** Events without a payload that this model can read; they change nothing. */
  readonly skipped: number;
  readonly instruments: number;
  /** Instruments let go because of the bound. */
  readonly evicted: number;
}

export interface Projection<State> {
  /** In log order by partition, each event once. */
  apply(events: readonly PlacedEvent[]): void;
  /** Throws `not_found` when nothing is known of the instrument, `invalid_request` when it is none. */
  answer<Value>(instrument: string, read: (state: State) => Value): Answer<Value>;
  has(instrument: string): boolean;
  instruments(): Iterable<string>;
  positions(): Answer<void>["positions"];
  /** Forgets everything; feed the topic from its earliest event to rebuild. */
  reset(): void;
  readonly stats: ProjectionStats;
}

export interface ProjectionOptions<State> {
  /** For people: what is not there, for example "quote". */
  readonly name: string;
  /** Instruments kept; the one that changed longest ago is let go for one more. */
  readonly maxInstruments: number;
  readonly create: () => State;
  /** Takes the event in; throws a DistributionError, having changed nothing, when it cannot. */
  readonly take: (state: State, event: NormalizedMarketDataEvent) => void;
  /** Which payload is this model's own; others are skipped. */
  readonly payload: NonNullable<NormalizedMarketDataEvent["payload"]>["$case"];
}

export function createProjection<State>(options: ProjectionOptions<State>): Projection<State> {
  const states = createInstrumentMap(options.maxInstruments, options.create);
  const positions = createTopicPositions();
  let applied = 0;
  let skipped = 0;

  const take = ({ bytes, position }: PlacedEvent): void => {
    const event = dataOf(bytes);
    if (event.payload?.$case !== options.payload) throw new DistributionError("invalid_event", "Another payload.");
    // A known instrument was checked when it came first.
    if (states.get(event.instrument) === undefined) parseInstrument(event.instrument);
    options.take(states.touch(event.instrument, position.partition), event);
  };

  return {
    apply(events) {
      for (const placed of events) {
        if (positions.advance(placed.position)) states.forget(placed.position.partition);
        try {
          take(placed);
          applied += 1;
        } catch {
          // What an event says is its publisher's; the model goes on, and says how many it could not read.
          skipped += 1;
        }
      }
    },
    answer(text, read) {
      const { key } = parseInstrument(text);
      const entry = states.get(key);
      if (entry === undefined) {
        throw new DistributionError(
          "not_found",
          `There is no ${options.name} of ${key}. GET /instruments lists what is known.`,
        );
      }
      return { positions: positions.of(entry.partition), value: read(entry.state) };
    },
    has: (instrument) => states.get(instrument) !== undefined,
    instruments: () => states.instruments(),
    positions: () => positions.all(),
    reset() {
      states.forget();
      positions.clear();
    },
    get stats() {
      return { applied, skipped, instruments: states.size, evicted: states.evicted };
    },
  };
}
