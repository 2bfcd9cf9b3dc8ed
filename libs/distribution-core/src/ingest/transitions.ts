/**
 * State machines at the way in: an event is taken only where it can follow what the log holds of its key.
 *
 * The state of a key is what a projection of the topic says. So a publish that touches a key waits until the one before it
 * that touched the key is durable and in that state, or has failed: nobody is judged by what may not come to be. Events of
 * one publish follow each other. Publishes of other keys wait for nobody. Replicas that take in events of the same key know of
 * each other's only what has come through the log.
 */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { Position } from "../brokers/contract.ts";
import { DistributionError, toDistributionError } from "../errors.ts";
import { createPayloadCodec, decodeEvent, type PayloadCodec, payloadKind } from "../events/index.ts";
import type { Timers } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { Gathering } from "./gathering.ts";
import type { Publication } from "./publication.ts";
import type { TakenPublish } from "./taken-publish.ts";

export interface JudgedEvent<Payload> {
  readonly envelope: Event;
  readonly payload: Payload;
}

/** What may follow what, on one topic. */
export interface TransitionRule<State, Payload> {
  readonly topic: string;
  readonly payload: { decode(bytes: Uint8Array): Payload };
  /** The state that the log has left the key in; undefined: nothing is known of it. It is not changed by whoever asks. */
  current(key: string): State | undefined;
  /** Resolves when what `current` says has the event at the position in it. */
  reached(position: Position): Promise<void>;
  /** Other topics that have rules and that `next` looks at: what is on its way there with the event's key is waited for, too. */
  readonly beside?: readonly string[];
  /**
   * The key's state after the event. Throws `illegal_transition`, at a path below the event such as `type`, when it cannot
   * follow; the message says what state the key is in and what may follow. Throws `invalid_event` for what never can,
   * and `event_conflict` for an identity of its own that another event has.
   */
  next(state: State | undefined, event: JudgedEvent<Payload>): State | undefined;
}

/** What a publish has to wait for before it can be examined. */
export interface Blocker {
  /** Rejects with `unavailable` when it takes too long. */
  settled(): Promise<void>;
}

/** The state of a key comes milliseconds after the append; after this the publisher had better try again. */
const MAX_WAIT_MS = 5_000;

interface Machine {
  readonly rule: TransitionRule<unknown, unknown>;
  readonly codec: PayloadCodec | undefined;
  /** By key: the publish whose events of the key are not in the rule's state yet. */
  readonly unseen: Map<string, Unseen>;
}

/** The keys of one publish, until its events are in the state of their keys. */
class Unseen implements Blocker {
  readonly keys: (readonly [Machine, string])[] = [];
  readonly #timers: Timers;
  readonly #over = Promise.withResolvers<void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(MAX_WAIT_MS, () => {
        const message = "What the log holds of a key of this batch is not known yet. Send the batch again.";
        reject(new DistributionError("unavailable", message, { retryAfterMs: MAX_WAIT_MS }));
      });
      void this.#over.promise.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  end(): void {
    for (const [{ unseen }, key] of this.keys) unseen.delete(key);
    this.#over.resolve();
  }
}

export class Transitions {
  readonly #timers: Timers;
  readonly #machines = new Map<string, Machine>();
  readonly #publishes = new Map<TakenPublish, Unseen>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  add<State, Payload>(rule: TransitionRule<State, Payload>, { message }: TopicDefinition): void {
    this.#machines.set(rule.topic, {
      rule: rule as TransitionRule<unknown, unknown>,
      codec: message && createPayloadCodec(message),
      unseen: new Map(),
    });
  }

  /**
   * Judges the new events that were gathered. Answers the publish that has to be seen first, if there is one; throws
   * `illegal_transition` at `events[ordinal]`. Otherwise the keys are the publish's own until `release` or `committed`.
   */
  judge(publication: Publication, taken: TakenPublish, gathering: Gathering): Blocker | undefined {
    if (this.#machines.size === 0) return undefined;
    const states = new Map<Machine, Map<string, unknown>>();
    for (const { bytes, start, end, ordinal, topic } of gathering.notes()) {
      const machine = this.#machines.get(topic);
      if (machine === undefined || publication.repetitions.has(ordinal)) continue;
      const envelope = decodeEvent(bytes.subarray(start, end), ordinal);
      const blocker = this.#unseen(machine, envelope.key);
      if (blocker !== undefined) return blocker;
      const known = states.get(machine) ?? new Map<string, unknown>();
      states.set(machine, known);
      known.set(envelope.key, follow(machine, known, envelope, ordinal));
    }
    this.#claim(taken, states);
    return undefined;
  }

  /** Nothing of the publish came to be. */
  release(taken: TakenPublish): void {
    this.#takeKeys(taken)?.end();
  }

  /** The publish is durable: its keys are free once its events are in their state. */
  committed(taken: TakenPublish): void {
    const unseen = this.#takeKeys(taken);
    if (unseen === undefined) return;
    const seen = taken.placements.map(({ topic, partition, count, appended }) => {
      const { epoch } = appended!;
      return this.#machines
        .get(topic)
        ?.rule.reached({ topic, partition, epoch, offset: appended!.offsetAt(count - 1) });
    });
    // One that is never reached, as its projection stopped, is nothing to wait for either.
    void Promise.allSettled(seen).then(() => unseen.end());
  }

  /** Of the key, on the machine's topic and those beside it. */
  #unseen({ unseen, rule }: Machine, key: string): Unseen | undefined {
    const own = unseen.get(key);
    if (own !== undefined || rule.beside === undefined) return own;
    for (const topic of rule.beside) {
      const other = this.#machines.get(topic)?.unseen.get(key);
      if (other !== undefined) return other;
    }
    return undefined;
  }

  #takeKeys(taken: TakenPublish): Unseen | undefined {
    const unseen = this.#publishes.get(taken);
    this.#publishes.delete(taken);
    return unseen;
  }

  #claim(taken: TakenPublish, states: ReadonlyMap<Machine, ReadonlyMap<string, unknown>>): void {
    if (states.size === 0) return;
    const unseen = new Unseen(this.#timers);
    for (const [machine, known] of states) {
      for (const key of known.keys()) {
        machine.unseen.set(key, unseen);
        unseen.keys.push([machine, key]);
      }
    }
    this.#publishes.set(taken, unseen);
  }
}

function follow(
  { rule, codec }: Machine,
  known: ReadonlyMap<string, unknown>,
  envelope: Event,
  ordinal: number,
): unknown {
  const { key, contentType, data = new Uint8Array(0) } = envelope;
  const state = known.has(key) ? known.get(key) : rule.current(key);
  const isJson = codec !== undefined && payloadKind(contentType) === "json";
  const bytes = isJson ? codec.fromJson(Buffer.from(data).toString("utf8"), ordinal) : data;
  try {
    return rule.next(state, { envelope, payload: rule.payload.decode(bytes) });
  } catch (failure) {
    const { code, message, errors } = toDistributionError(failure);
    if (errors.length === 0) throw failure;
    const below = errors.map((error) => ({ ...error, path: `events[${ordinal}].${error.path}` }));
    throw new DistributionError(code, message, { errors: below });
  }
}
