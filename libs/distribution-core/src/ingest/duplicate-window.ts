/**
 * Which events are known by (source, id): those under way, and the newest durable ones within three bounds.
 *
 * The window ends whole publishes at a time, the oldest first, when it holds more events or bytes than it may or when a
 * publish is older than the age. An event repeated after that is taken as a new one.
 */
import type { Position } from "../brokers/contract.ts";
import { type Chain, IdentityTable, identityTableBytes, NONE } from "./identity-table.ts";
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
  /** Its label, see `label`. */
  foundLabel = 0;
  /** Durable until then, monotonic milliseconds: events of before may have been known and are no more. */
  forgotten = Number.NEGATIVE_INFINITY;
  #foundEntry = NONE;
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
    this.foundLabel = table.label(entry);
    this.#foundEntry = entry;
    if (owner.pending && owner !== publish) return CLAIM.pending;
    const knownA = table.bodyA(entry);
    const knownB = table.bodyB(entry);
    if (knownA === bodyA && knownB === bodyB) return CLAIM.repeated;
    return knownA === ANY_BODY && knownB === ANY_BODY ? CLAIM.repeated : CLAIM.conflict;
  }

  /** Of the event that the last `claim` came upon: in which topics it was met, as Whereabouts number them. */
  label(label: number): void {
    this.#table.setLabel(this.#foundEntry, label);
  }

  /** The same of the publish's own events, by ordinal. */
  relabel({ firstEntry }: TakenPublish, labels: ReadonlyMap<number, number>): void {
    const table = this.#table;
    for (let entry = firstEntry; entry !== NONE; entry = table.next(entry)) {
      const label = labels.get(table.ordinal(entry));
      if (label !== undefined) table.setLabel(entry, label);
    }
  }

  /** Durable events of the owner are the publish's from now on, which is pending: by their ordinals there, their ordinals here. */
  take(owner: TakenPublish, publish: TakenPublish, ordinals: ReadonlyMap<number, number>): void {
    if (publish.began !== undefined) publish.began = Math.min(publish.began, owner.began!);
    this.#events -= this.#move(owner, publish, ordinals);
  }

  /** The same, until the publish is durable: what it does not retain goes back. */
  lend(owner: TakenPublish, publish: TakenPublish, ordinals: ReadonlyMap<number, number>): void {
    publish.loans.push({ owner, ordinals: new Map([...ordinals].map(([there, here]) => [here, there])) });
    this.take(owner, publish, ordinals);
  }

  /** Of the publish, only these ordinals were taken; the others are whose they were, or unknown again. A commit or release follows. */
  retain(publish: TakenPublish, isTaken: (ordinal: number) => boolean): void {
    for (const { owner, ordinals } of publish.loans.splice(0)) {
      if (this.#publishes[owner.owner] !== owner) continue;
      this.#events += this.#move(publish, owner, new Map([...ordinals].filter(([here]) => !isTaken(here))));
    }
    const { kept, rest } = this.#table.split(publish.firstEntry, isTaken);
    this.#table.removeChain(rest.first);
    setChain(publish, kept);
    this.#trim();
  }

  /** The publish is durable: its events are known from now on, and the oldest make room. `at`: monotonic milliseconds. */
  commit(publish: TakenPublish, at: number): void {
    publish.at = at;
    if (this.#newest === undefined) this.#oldest = publish;
    else this.#newest.newer = publish;
    this.#newest = publish;
    this.#events += publish.size;
    this.#publishBytes += publish.bytes;
    publish.loans.length = 0;
    publish.settle();
    this.#trim();
  }

  /** Nothing of the publish was taken: nothing of it is known that was not known before. */
  release(publish: TakenPublish): void {
    if (publish.loans.length > 0) this.retain(publish, () => false);
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
    this.forgotten = Number.NEGATIVE_INFINITY;
  }

  #trim(): void {
    while (this.#events > this.#bounds.events || this.#publishBytes > this.#publishBudget) this.#dropOldest();
  }

  /** Answers how many there were. */
  #move(from: TakenPublish, to: TakenPublish, ordinals: ReadonlyMap<number, number>): number {
    const table = this.#table;
    const { kept, rest } = table.split(from.firstEntry, (ordinal) => !ordinals.has(ordinal));
    setChain(from, kept);
    for (let entry = rest.first; entry !== NONE; entry = table.next(entry))
      table.assign(entry, to.owner, ordinals.get(table.ordinal(entry))!);
    if (rest.size === 0) return 0;
    if (to.firstEntry === NONE) to.firstEntry = rest.first;
    else table.link(to.lastEntry, rest.first);
    to.lastEntry = rest.last;
    to.size += rest.size;
    return rest.size;
  }

  #dropOldest(): void {
    const publish = this.#oldest!;
    this.#oldest = publish.newer;
    if (this.#oldest === undefined) this.#newest = undefined;
    publish.newer = undefined;
    this.forgotten = Math.max(this.forgotten, publish.at);
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

function setChain(publish: TakenPublish, { first, last, size }: Chain): void {
  publish.firstEntry = first;
  publish.lastEntry = last;
  publish.size = size;
}

/** Memory of the fixed part of a window with these bounds, bytes. */
export function windowTableBytes(bounds: Pick<WindowBounds, "events" | "pendingEvents">): number {
  return identityTableBytes(bounds.events + bounds.pendingEvents);
}

/** A repeated event's place, resolved when it is asked for: the publish may still be pending. */
export interface Repetition {
  readonly publish: TakenPublish;
  readonly ordinal: number;
  /** See `DuplicateWindow.label`. */
  readonly label: number;
}

export function positionOf({ publish, ordinal }: Repetition): Position {
  return publish.positionAt(ordinal);
}
