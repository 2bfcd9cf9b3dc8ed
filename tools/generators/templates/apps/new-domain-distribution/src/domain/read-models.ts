/**
 * What this service answers, and what may follow what: a projection of its topic. It holds nothing that is not in the log; the
 * core feeds, bounds, saves and restores it.
 */
import { fieldError } from "@distribution/core/errors";
import { addDecimals, canonicalDecimal } from "@distribution/core/events";
import type { JudgedEvent, TransitionRule } from "@distribution/core/ingest";
import { createProjection, defineIndex, from, lastChange, type Projection } from "@distribution/core/projections";
import { NewDomainEvent } from "@distribution/proto-types/new_domain/v1/new_domain";
import { TOPICS } from "./topics.ts";

/** What is known of an instrument. */
export interface Instrument {
  readonly instrument: string;
  /** The newest, in canonical form. */
  readonly amount: string;
  /** The sum of all: exact. */
  readonly total: string;
  readonly events: number;
  /** Of the last event, Unix nanoseconds. */
  readonly eventTime: bigint;
}

export interface ReadModels {
  /** By instrument. */
  readonly instruments: Projection<Instrument>;
}

export const BY_CHANGE = defineIndex<Instrument, bigint>({ name: "by-change", sort: lastChange });

export function createReadModels(bounds = { keys: 10_000, bytes: 8 * 1024 * 1024 }): ReadModels {
  return {
    instruments: createProjection<Instrument>({
      ...{ name: "instruments", version: 1, bounds, indexes: [BY_CHANGE] },
      missing: (key) => `Nothing is known of ${key}. GET /api/v1/instruments lists what is known.`,
      sizeOf: ({ instrument, amount, total }) => 64 + instrument.length + amount.length + total.length,
      sources: [from(TOPICS.events, NewDomainEvent, { apply: nextInstrument })],
    }),
  };
}

/** At the way in: events that cannot follow what the log holds of their instrument are refused. */
export function ruleOf({ instruments }: ReadModels): TransitionRule<Instrument, NewDomainEvent> {
  return {
    topic: TOPICS.events,
    payload: NewDomainEvent,
    by: [instruments],
    current: (key) => instruments.find(key)?.state,
    next: nextInstrument,
  };
}

/** What is known of the instrument after the event. Throws `invalid_event`, and `illegal_transition` for one that comes too late. */
export function nextInstrument(
  known: Instrument | undefined,
  { envelope: { key }, payload: { instrument, eventTime, payload } }: JudgedEvent<NewDomainEvent>,
): Instrument | undefined {
  if (instrument === "" || key !== instrument) {
    throw fieldError("invalid_event", "key", `must be the instrument of the payload, "${instrument}"; it is "${key}".`);
  }
  if (known && eventTime < known.eventTime) {
    const message = `is before the last event of ${instrument}, at ${known.eventTime}; send its events in their order.`;
    throw fieldError("illegal_transition", "data.event_time", message);
  }
  if (payload?.$case !== "someEvent") return known;
  const amount = canonicalDecimal(payload.value.amount);
  if (amount === undefined) {
    throw fieldError("invalid_event", "data.some_event.amount", 'is not there; send a decimal number like "-12.3450".');
  }
  const total = addDecimals(known?.total ?? "0", amount);
  return { instrument, amount, total, events: (known?.events ?? 0) + 1, eventTime };
}
