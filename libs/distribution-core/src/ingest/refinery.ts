/** Pipelines at work in ingest: published events go in, what the topic's log gets comes out. */
import { type DistributionError, fieldError } from "../errors.ts";
import { decodeEvent, type Envelope, EVENT_FIELD, encodeEvent, invalidEvent, pathText } from "../events/index.ts";
import type { Pipeline } from "../transforms/contract.ts";

export class Refinery {
  readonly #pipelines: ReadonlyMap<string, Pipeline>;

  constructor(pipelines: ReadonlyMap<string, Pipeline>) {
    this.#pipelines = pipelines;
  }

  /** Whether any topic has a pipeline. */
  get isUsed(): boolean {
    return this.#pipelines.size > 0;
  }

  of(topic: string): Pipeline | undefined {
    return this.#pipelines.get(topic);
  }

  /**
   * The stored messages that the published event becomes, at least one. The first keeps its source and id, by which the
   * event is known when it is published again or found in the log; further ones have ids of their own.
   * Throws `invalid_event` at `events[ordinal]`.
   */
  refine(topic: string, envelope: Envelope, ordinal: number): readonly Uint8Array[] {
    const published = decodeEvent(envelope.bytes.subarray(envelope.start, envelope.end), ordinal);
    const refined = this.#pipelines.get(topic)!.apply(published, pathText(ordinal));
    const [first, ...others] = refined;
    if (!first) {
      throw invalidEvent(
        ordinal,
        `The pipeline of topic ${topic} leaves nothing of the event. Do not publish it here.`,
      );
    }
    if (first.id !== published.id || first.source !== published.source) {
      throw invalidEvent(
        ordinal,
        `The pipeline of topic ${topic} changed the event's id or source, which it must keep.`,
      );
    }
    const ids = new Set([first.id]);
    for (const { id } of others) {
      if (ids.has(id)) throw invalidEvent(ordinal, `The pipeline of topic ${topic} made two events with the id ${id}.`);
      ids.add(id);
    }
    return refined.map((event) => encodeEvent(event, ordinal));
  }
}

/** `event_conflict` at `events[ordinal]`. `earlier`: the ordinal of the other one where both are in one batch. */
export function conflict(envelope: Envelope, ordinal: number, earlier: number | undefined): DistributionError {
  const id = JSON.stringify(envelope.text(EVENT_FIELD.id));
  const source = JSON.stringify(envelope.text(EVENT_FIELD.source));
  const where = earlier === undefined ? "before" : `as events[${earlier}] of this batch`;
  const message = `Source ${source} published id ${id} ${where}, with another body. Give the new event an id of its own.`;
  return fieldError("event_conflict", `events[${ordinal}]`, message);
}
