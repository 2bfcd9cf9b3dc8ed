/**
 * Which events are known by (source, id): those under way, and the newest durable ones within three bounds.
 *
 * The window ends whole publishes at a time, the oldest first, when it holds more events or bytes than it may or when a
 * publish is older than the age. An event repeated after that is taken as a new one.
 */
import type { Position } from "../brokers/contract.ts";
import { IdentityTable, identityTableBytes, NONE } from "./identity-table.ts";
import { TakenPublish } from "./taken-publish.ts";

export interface WindowBounds {
  /** Durable events that are known at most. */
  readonly events: number;
  /** Events under way at most, over all publishes; the caller keeps to it. */
  readonly pendingEvents: number;
  /** How long an event is known, milliseconds. */
  readonly ageMs: number;
  /** Memory of the whole, bytes: the fixed table and what is kept per publish. */
  readonly bytes: number;
}

/** What `claim` found. */
export const CLAIM = {
  /** Unknown until now; it belongs to the claiming publish. */
  fresh: 0,
  /** Known with the same body: durable, or earlier in the same publish. `found` and `ordinal` say where. */
  repeated: 1,
  /** Known with another body. */
  conflict: 2,
  /** Under way in another publish, `found`, whose outcome is not known yet. */
  pending: 3,
} as const;

export type Claim = (typeof CLAIM)[keyof typeof CLAIM];

/** Both words of the fingerprint of a body that cannot be compared: it equals every other. */
const ANY_BODY = 0;

export class DuplicateWindow {
  /** The publish and the event's ordinal in it that the last `claim` came upon. */
  found: TakenPublish | undefined;
  foundOrdinal = 0;
  readonly #bounds: WindowBounds;
  readonly #table: IdentityTable;
  readonly #publishBudget: number;
  readonly #publishes: (TakenPublish | undefined)[] = [];
  readonly #freeOwners: number[] = [];
  #oldest: TakenPublish | undefined;
  #newest: TakenPublish | undefined;
  #events = 0;
  #publishBytes = 0;

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
    this.#table = new IdentityTable(bounds.events + bounds.pendingEvents);
    this.#publishBudget = bounds.bytes - windowTableBytes(bounds);
  }

  /** Durable events in the window. */
  get events(): number {
    return this.#events;
  }

  begin(): TakenPublish {
    const publish = new TakenPublish(this.#freeOwners.pop() ?? this.#publishes.length);
    this.#publishes[publish.owner] = publish;
    return publish;
  }

  /** Makes the claims of `count` prints, `stride` words apart, quicker. */
  prepare(prints: Uint32Array, stride: number, count: number): void {
    this.#table.touch(prints, stride, count);
  }

  /** Makes the event whose print is at `prints[at]` the publish's own unless it is known. */
  claim(publish: TakenPublish, prints: Uint32Array, at: number, ordinal: number): Claim {
    const table = this.#table;
    const a = prints[at]!;
    const b = prints[at + 1]!;
    const c = prints[at + 2]!;
    const bodyA = prints[at + 3]!;
    const bodyB = prints[at + 4]!;
    const entry = table.find(a, b, c);
    if (entry === NONE) {
      const added = table.insert(a, b, c, bodyA, bodyB, publish.owner, ordinal);
      if (publish.firstEntry === NONE) publish.firstEntry = added;
      else table.link(publish.lastEntry, added);
      publish.lastEntry = added;
      publish.size += 1;
      return CLAIM.fresh;
    }
    const owner = this.#publishes[table.owner(entry)]!;
    this.found = owner;
    this.foundOrdinal = table.ordinal(entry);
    if (owner.pending && owner !== publish) return CLAIM.pending;
    const knownA = table.bodyA(entry);
    const knownB = table.bodyB(entry);
    if (knownA === bodyA && knownB === bodyB) return CLAIM.repeated;
    return knownA === ANY_BODY && knownB === ANY_BODY ? CLAIM.repeated : CLAIM.conflict;
  }

  /** The publish is durable: its events are known from now on, and the oldest make room. `at`: monotonic milliseconds. */
  commit(publish: TakenPublish, at: number): void {
    publish.at = at;
    if (this.#newest === undefined) this.#oldest = publish;
    else this.#newest.newer = publish;
    this.#newest = publish;
    this.#events += publish.size;
    this.#publishBytes += publish.bytes;
    publish.settle();
    while (this.#events > this.#bounds.events || this.#publishBytes > this.#publishBudget) this.#dropOldest();
  }

  /** Nothing of the publish was taken: nothing of it is known. */
  release(publish: TakenPublish): void {
    this.#forget(publish);
    publish.settle();
  }

  /** Forgets what is older than the age. `now`: monotonic milliseconds. */
  expire(now: number): void {
    while (this.#oldest !== undefined && now - this.#oldest.at > this.#bounds.ageMs) this.#dropOldest();
  }

  /** Forgets every durable event. */
  clear(): void {
    while (this.#oldest !== undefined) this.#dropOldest();
  }

  #dropOldest(): void {
    const publish = this.#oldest!;
    this.#oldest = publish.newer;
    if (this.#oldest === undefined) this.#newest = undefined;
    publish.newer = undefined;
    this.#events -= publish.size;
    this.#publishBytes -= publish.bytes;
    this.#forget(publish);
  }

  #forget(publish: TakenPublish): void {
    this.#table.removeChain(publish.firstEntry);
    publish.firstEntry = NONE;
    publish.lastEntry = NONE;
    publish.size = 0;
    this.#publishes[publish.owner] = undefined;
    this.#freeOwners.push(publish.owner);
  }
}

/** Memory of the fixed part of a window with these bounds, bytes. */
export function windowTableBytes(bounds: Pick<WindowBounds, "events" | "pendingEvents">): number {
  return identityTableBytes(bounds.events + bounds.pendingEvents);
}

/** A repeated event's place, resolved when it is asked for: the publish may still be pending. */
export interface Repetition {
  readonly publish: TakenPublish;
  readonly ordinal: number;
}

export function positionOf({ publish, ordinal }: Repetition): Position {
  return publish.positionAt(ordinal);
}
