/**
 * State machines at the way in: an event is taken only where it can follow what the log holds of its key.
 *
 * The state of a key is what a projection of the topic says. So a publish that touches a key waits until the one before it
 * that touched the key is durable and in that state, or has failed: nobody is judged by what may not come to be. Events of
 * one publish follow each other. Publishes of other keys wait for nobody. Replicas that take in events of the same key know of
 * each other's only what has come through the log.
 *
 * Where a projection does not follow the log, nothing can be judged: what touches that partition is refused at once.
 */
import { DistributionError, toDistributionError } from "../errors.ts";
import {
  createEnvelope,
  createPayloadCodec,
  type Envelope,
  headOf,
  type PayloadCodec,
  payloadKind,
} from "../events/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { IngestBounds } from "./bounds.ts";
import { type Blocker, type Claim, Claims, MAX_WAIT_MS } from "./claims.ts";
import type { Gathering } from "./gathering.ts";
import type { Publication } from "./publication.ts";
import type { JudgedEvent, TransitionRule } from "./rule.ts";
import type { Placement } from "./taken-publish.ts";

interface Machine {
  readonly rule: TransitionRule<unknown, unknown>;
  readonly codec: PayloadCodec | undefined;
  readonly partitions: readonly Unseen[];
}

/** What one partition took and the rule's projections do not have yet. */
interface Unseen {
  /** Publishes that have claims, under way or durable. */
  publishes: number;
  /** Those of them that are durable. */
  durable: number;
  /** Monotonic milliseconds: when the first of the durable ones came, or the one before them was seen. */
  since: number;
}

/** An event that a rule has to let pass. */
export interface Judged {
  readonly machine: Machine;
  /** The bytes that it was read from, and where it begins in them. */
  readonly source: Uint8Array;
  readonly start: number;
  readonly event: JudgedEvent<unknown>;
  readonly claims: readonly string[];
  readonly ordinal: number;
}

/** What a publish has until its events are in the state of their keys. */
export interface Hold {
  readonly claim: Claim;
  /** Where it is counted: from when it was judged until its events there are in the projections. */
  readonly places: Set<Unseen>;
}

const NO_CLAIMS: readonly string[] = [];
/** What one is told to wait who is refused as a projection does not follow. */
const RETRY_AFTER_MS = 1_000;

export class Transitions {
  readonly #runtime: Pick<Runtime, "clock">;
  readonly #bounds: Pick<IngestBounds, "unseenPublishes" | "unseenEvents">;
  readonly #claims: Claims;
  readonly #machines = new Map<string, Machine>();
  readonly #envelope = createEnvelope();

  constructor({ clock, timers }: Pick<Runtime, "clock" | "timers">, bounds: IngestBounds) {
    this.#runtime = { clock };
    this.#bounds = bounds;
    this.#claims = new Claims(timers);
  }

  add<State, Payload>(rule: TransitionRule<State, Payload>, { message, partitions }: TopicDefinition): void {
    this.#machines.set(rule.topic, {
      rule: rule as TransitionRule<unknown, unknown>,
      codec: message && createPayloadCodec(message),
      partitions: Array.from({ length: partitions }, () => ({ publishes: 0, durable: 0, since: 0 })),
    });
  }

  /**
   * Judges the new events that were gathered. Answers what has to be seen first, if there is something; throws
   * `unavailable` where what they rest on is not known, or hangs on a doubtful publish, and what the rule throws at `events[ordinal]`. What the publish claims is its own
   * until `release` or `committed`; it keeps its place while it waits.
   */
  judge(publication: Publication, gathering: Gathering): Blocker | undefined {
    if (publication.hold === undefined && !gathering.targets.some(({ topic }) => this.#machines.has(topic)))
      return undefined;
    const places = new Set<Unseen>();
    const judged = this.#read(publication, gathering, places);
    const hold = this.#hold(publication, judged);
    const isBlocked = hold !== undefined && hold.claim.missing > 0;
    publication.judged = isBlocked ? judged : undefined;
    if (isBlocked) {
      this.#claims.assertCertain(hold.claim);
      return hold.claim;
    }
    follow(judged);
    if (hold === undefined) return undefined;
    for (const place of places) {
      place.publishes += 1;
      hold.places.add(place);
    }
    return undefined;
  }

  /** Nothing of the publish came to be. Idempotent. */
  release(publication: Publication): void {
    const { hold } = publication;
    publication.hold = undefined;
    if (hold !== undefined) this.#end(hold);
  }

  /** It was refused, and may be in the log all the same: until that is known, whoever claims its keys is refused at once. */
  doubt({ hold }: Publication): void {
    if (hold !== undefined) this.#claims.doubt(hold.claim);
  }

  /** The publish is durable, where its placements have a position: what it claims is free once its events are in their state. */
  committed(publication: Publication): void {
    const { hold } = publication;
    if (hold === undefined) return;
    const seen = new Map<Unseen | undefined, Promise<void>[]>();
    for (const placement of publication.taken!.placements) {
      if (placement.appended === undefined) continue;
      const place = this.#machines.get(placement.topic)?.partitions[placement.partition];
      seen.set(place, [...(seen.get(place) ?? []), ...this.#seen(placement)]);
    }
    publication.hold = undefined;
    hold.claim.doubtful = false;
    const now = this.#runtime.clock.monotonicMs();
    for (const place of hold.places) {
      if (!seen.has(place)) {
        place.publishes -= 1;
        hold.places.delete(place);
        continue;
      }
      if (place.durable === 0) place.since = now;
      place.durable += 1;
    }
    const ends = [...seen].map(async ([place, promises]) => {
      // One that is never reached, as its projection stopped, is nothing to wait for either.
      await Promise.allSettled(promises);
      // Each partition by itself: one that stands still is no reason to take nothing of the others.
      if (place === undefined || !hold.places.delete(place)) return;
      place.publishes -= 1;
      place.durable -= 1;
      place.since = this.#runtime.clock.monotonicMs();
    });
    void Promise.all(ends).then(() => this.#end(hold));
  }

  /** What the publish holds, or takes its place for. */
  #hold(publication: Publication, judged: readonly Judged[]): Hold | undefined {
    const names = new Set<string>();
    for (const { claims } of judged) for (const name of claims) names.add(name);
    // An event that was a repeat at the try before is none any more.
    const held = publication.hold?.claim.names;
    if (held !== undefined && [...names].some((name) => !held.has(name))) this.release(publication);
    if (publication.hold === undefined && names.size > 0) {
      publication.hold = { claim: this.#claims.take(names), places: new Set() };
    }
    return publication.hold;
  }

  #end({ claim, places }: Hold): void {
    for (const place of places) place.publishes -= 1;
    this.#claims.end(claim);
  }

  #seen({ topic, partition, count, appended }: Placement): readonly Promise<void>[] {
    const models = this.#machines.get(topic)?.rule.by ?? [];
    const { epoch } = appended!;
    return models.map((model) => model.reached({ topic, partition, epoch, offset: appended!.offsetAt(count - 1) }));
  }

  /** The new events that have rules, each decoded once however often it is tried, and the partitions that those with claims go to. */
  #read(publication: Publication, gathering: Gathering, places: Set<Unseen>): readonly Judged[] {
    const { repetitions, judged: before = [] } = publication;
    const judged: Judged[] = [];
    for (let index = 0; index < gathering.count; index += 1) {
      const { topic, partition } = gathering.targetAt(index);
      const machine = this.#machines.get(topic);
      const ordinal = gathering.ordinalAt(index);
      // A copy of what was judged before is written where it is missing, and follows on nothing.
      if (machine === undefined || (repetitions.size > 0 && repetitions.has(ordinal)) || gathering.isOmitted(index))
        continue;
      const source = gathering.sourceAt(index);
      const start = gathering.startAt(index);
      let one = before[judged.length];
      if (one === undefined || one.machine !== machine || one.source !== source || one.start !== start) {
        this.#envelope.read(source, start, gathering.endAt(index), ordinal);
        const event = readEvent(machine, this.#envelope, ordinal);
        one = { machine, source, start, event, claims: claimsOf(machine, event, ordinal), ordinal };
      }
      judged.push(one);
      const place = machine.partitions[partition]!;
      if (one.claims.length === 0 || places.has(place)) continue;
      this.#assertKnown(machine, partition);
      places.add(place);
    }
    return judged;
  }

  #assertKnown({ rule, partitions }: Machine, partition: number): void {
    const { unseenEvents, unseenPublishes } = this.#bounds;
    const { topic, by, beside = [] } = rule;
    const refuse = (why: string): DistributionError => {
      const reason = why.replace(/\.$/, "");
      const message = `${topic}/${partition} takes nothing that follows on what it holds: ${reason}. Send the batch again.`;
      return new DistributionError("unavailable", message, { retryAfterMs: RETRY_AFTER_MS });
    };
    for (const model of by) {
      const lack = model.lack(unseenEvents, { topic, partition });
      if (lack !== undefined) throw refuse(lack);
    }
    for (const model of beside) {
      const lack = model.lack(unseenEvents);
      if (lack !== undefined) throw refuse(lack);
    }
    const names = by.map(({ name }) => name).join(" and ");
    const { publishes, durable, since } = partitions[partition]!;
    if (publishes >= unseenPublishes) throw refuse(`${unseenPublishes} publishes are not in projection ${names} yet`);
    if (durable > 0 && this.#runtime.clock.monotonicMs() - since > MAX_WAIT_MS)
      throw refuse(`for ${MAX_WAIT_MS} ms nothing of it has come to projection ${names}`);
  }
}

function readEvent({ rule, codec }: Machine, envelope: Envelope, ordinal: number): JudgedEvent<unknown> {
  const data = envelope.data();
  const isJson = codec !== undefined && payloadKind(envelope.contentType) === "json";
  const payload = isJson ? codec.fromJson(Buffer.from(data).toString("utf8"), ordinal) : data;
  return { envelope: headOf(envelope), payload: below(ordinal, () => rule.payload.decode(payload)) };
}

function claimsOf({ rule }: Machine, event: JudgedEvent<unknown>, ordinal: number): readonly string[] {
  if (rule.claims !== undefined) return below(ordinal, () => rule.claims!(event));
  return rule.current === undefined ? NO_CLAIMS : [`${rule.topic} ${event.envelope.key}`];
}

/** Each event in turn. Those of one first claim have one state: the log's, then what the one before has made of it. */
function follow(judged: readonly Judged[]): void {
  const states = new Map<string, unknown>();
  for (const { machine, event, claims, ordinal } of judged) {
    const { rule } = machine;
    const name = rule.current && claims[0];
    const known = name !== undefined && states.has(name);
    const state = known ? states.get(name) : rule.current?.(event.envelope.key, event);
    const next = below(ordinal, () => rule.next(state, event));
    if (name !== undefined) states.set(name, next);
  }
}

/** What a rule throws at a path of the event becomes an error of that event of the batch. */
function below<T>(ordinal: number, run: () => T): T {
  try {
    return run();
  } catch (failure) {
    const { code, message, errors } = toDistributionError(failure);
    if (errors.length === 0) throw failure;
    throw new DistributionError(code, message, {
      errors: errors.map((error) => ({ ...error, path: `events[${ordinal}].${error.path}` })),
    });
  }
}
