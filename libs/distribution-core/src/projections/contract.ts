/**
 * Projections: what a service answers of the present, as a fold of its own log. A domain says how one event changes one
 * key's state; everything else is done here.
 *
 * Laws, each with a test:
 * 1. Each event of a projection's topics is applied to its state exactly once, in log order by partition, whatever happens
 *    between: states and positions are saved as one. Between partitions and topics there is no order to rely on; while a
 *    projection catches up, the event appended first comes first.
 * 2. A payload is decoded once, however many projections of the service read it as the same message.
 * 3. Every answer is true at its positions, one a partition: who subscribes after them misses nothing and gets nothing twice.
 * 4. State is bounded in keys and bytes. At the bound the key that changed longest ago is forgotten, of those that are not
 *    to be kept while there are any, counted, and said in the `not_found` of who asks for a key that is not there.
 * 5. An event that cannot be read or applied is skipped: counted, and the first of its topic is named in the log. Where it has
 *    changed a state in place by then, the key is forgotten, rather than answered as what never was.
 * 6. What cannot be read is not known: while a partition is damaged, answers are complete from now on only, and a key that is not
 *    there is `unavailable`; rules that ask for the partition are told what is lacking. Nobody else waits for it, nor for a
 *    projection that is built anew.
 * 7. A checkpoint is a cache: one that is damaged, foreign, of another version, or at a position that the log no longer
 *    has is named in the log and ignored. The state is then built from the log as far back as it goes, or as the service's
 *    bound on that says; where history is missing, every answer says since when it is complete.
 * 8. No turn of the event loop takes longer than a few events need, however much there is to read or to save.
 */
import type { Position } from "../brokers/contract.ts";
import type { EventHead } from "../events/index.ts";
import type { Logger } from "../observability/index.ts";
import type { Timers } from "../runtime/index.ts";

/** How a payload is read: of generated code, the message itself (`OrderEvent`). The same object: decoded once for all. */
export interface PayloadType<Payload> {
  /**
   * Throws on bytes that are none. A JSON payload of a topic with a message comes as that message's bytes. They are a view of much
   * more: what is to be kept has to be copied, as generated code does.
   */
  decode(bytes: Uint8Array): Payload;
}

export interface ProjectedEvent<Payload> {
  readonly envelope: EventHead;
  readonly payload: Payload;
  readonly position: Position;
  /** Unix nanoseconds, the broker's clock. */
  readonly appendedAt: bigint;
}

export interface SourceRules<State, Payload> {
  /** The key whose state the event changes. Undefined: the event is not of this projection. Default: the event's own key. */
  key?(event: ProjectedEvent<Payload>): string | undefined;
  /**
   * The key's state after the event: the given one changed in place, or another. Given undefined: nothing is known of the
   * key, or it was forgotten. Returns undefined to have no state for the key.
   * When it throws, the event is skipped: it must not have changed the given state before. Nor must it when it returns another.
   */
  apply(state: State | undefined, event: ProjectedEvent<Payload>, key: string): State | undefined;
}

/** One topic of a projection, and what its events do. Made by `from`. */
export interface Source<State> {
  readonly topic: string;
  readonly payload: PayloadType<unknown>;
  readonly rules: SourceRules<State, unknown>;
}

/** A state as bytes and back: for checkpoints, and to measure it where no `sizeOf` is given. */
export interface Codec<State> {
  encode(state: State): Uint8Array;
  decode(bytes: Uint8Array): State;
}

/** One key of a projection. The state is the live one: read it before you wait for anything, and do not change it. */
export interface Entry<State> {
  readonly key: string;
  readonly state: State;
  /** Append time of the event that changed it last, Unix nanoseconds. */
  readonly changedAt: bigint;
}

/** Numbers and texts in their natural order; a decimal that is not a whole number has to become a bigint by a fixed scale. */
export type SortKey = string | number | bigint;

/** A sorted list of entries, or one for each group, kept up to date with every event: nothing is scanned to answer from it. */
export interface Index<State, Sort extends SortKey> {
  /** Unique in its projection; a part of page cursors. */
  readonly name: string;
  /** The lists that the entry is in; undefined or none: it is in no list. Default: one list, of everything. */
  group?(entry: Entry<State>): string | readonly string[] | undefined;
  /** What a list is sorted by; equal ones by key. `lastChange` sorts by the time of the last change. */
  sort(entry: Entry<State>): Sort;
}

export interface ListRequest<State, Sort extends SortKey> {
  /** Which list. Default: that of an index without groups. */
  readonly group?: string | undefined;
  /** Sorted at or after this. */
  readonly from?: Sort | undefined;
  /** Sorted before this. */
  readonly to?: Sort | undefined;
  /** Default "descending": the newest, the highest first. */
  readonly order?: "ascending" | "descending" | undefined;
  /** What no index has. A page looks at 10,000 entries at most: it may then hold few or none, and still have a `next`. */
  readonly where?: ((entry: Entry<State>) => boolean) | undefined;
  /** 1 to 1,000 entries. */
  readonly limit: number;
  /** `next` of the page before; all else as it was there. Another projection, index, group or order: `invalid_request`. */
  readonly cursor?: string | undefined;
}

/**
 * A cursor says after which entry to go on, by sort key and key, and is good on every replica and after a restart.
 * Who pages to the end gets each entry whose sort key and groups stayed the same exactly once, and at most once each time
 * it has moved. One that moves to where the pages have been already is not in the rest: by last change, oldest first, that
 * cannot be; newest first, the subscription after the positions of the first page has it.
 */
export interface Page<State> {
  readonly entries: readonly Entry<State>[];
  /** Undefined: there are no more. */
  readonly next: string | undefined;
}

export interface Answer<Value> {
  readonly value: Value;
  /** The value is true at these, one a partition of the projection's topics: subscribe after them. */
  readonly positions: readonly Position[];
  /** Events appended before this, Unix nanoseconds, may be missing: now, while one is damaged. Undefined: none are. */
  readonly completeFrom: bigint | undefined;
  /** The same as long as nothing that was read has changed, on every replica and after a restart: for an ETag. */
  readonly tag: string;
}

/** A partition. */
export type Place = Pick<Position, "topic" | "partition">;

export interface ProjectionStats {
  readonly keys: number;
  /** As `sizeOf` says, or encoded; with what an entry and its places in indexes take. */
  readonly bytes: number;
  /** Events that were applied, and that were none of its business. */
  readonly events: number;
  /** Events that could not be read or applied, by topic. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Keys let go because of the bounds. */
  readonly forgotten: number;
  /** Events behind the heads of its partitions; while it reads the log and not memory, at most so many. */
  readonly lag: number;
}

/**
 * A projection for the domain that reads it. Whatever is read without waiting in between is of one moment, in all projections
 * of the service; it is the newest that the tail has, unless that is more than fits in one turn: positions tell.
 * While a projection is built anew its answers are refused with `unavailable`.
 */
export interface Projection<State> {
  readonly name: string;
  /** The state of a key. Throws `not_found`, or `unavailable` where it may be among what cannot be read. */
  read(key: string): Answer<State>;
  /** A page of a list. Throws `invalid_request` at `limit` or `cursor`. */
  list<Sort extends SortKey>(index: Index<State, Sort>, request: ListRequest<State, Sort>): Answer<Page<State>>;
  /** Something else that was made of what it holds, such as counts, without waiting. The tag is another with every event. */
  answer<Value>(value: Value): Answer<Value>;
  /** Entries in a list; 0 for a group that nobody is in. */
  count(index: Index<State, SortKey>, group?: string): number;
  /** Without an answer's positions: to look something up for another answer, or for a rule. */
  find(key: string): Entry<State> | undefined;
  /**
   * Resolves when the event at the position is in the state, or behind it: read what was published.
   * Throws `invalid_request` for a topic that is not the projection's; rejects with `unavailable` when it stops before, and when
   * the log has another history, in which the position will not be.
   */
  reached(position: Position): Promise<void>;
  /**
   * Why it does not have what the log has in the partition, or anywhere in its topics where none is given; for people, with its name.
   * Undefined: it has, but for at most `lag` events of a partition, which are on their way. For rules, which must not judge then.
   */
  lack(lag: number, place?: Place): string | undefined;
  readonly stats: ProjectionStats;
  /** For the service, which feeds it. */
  readonly intake: Intake;
}

export interface ProjectionOptions<State> {
  /** Letters a-z, digits and "-": its name in metrics, the log, cursors and the file of its checkpoint. */
  readonly name: string;
  /** Of the shape of its states, from 1. Another number: older checkpoints are ignored. Raise it whenever what is saved changes. */
  readonly version: number;
  /** Its topics, one source each. */
  readonly sources: readonly Source<State>[];
  /** 1 or more of each. The newest key stays even where its state alone is over the bound in bytes. */
  readonly bounds: { readonly keys: number; readonly bytes: number };
  /**
   * Bytes of a state, asked after each of its events: keep it cheap. Default: its encoded length, which costs an encoding
   * for each event.
   */
  sizeOf?(state: State): number;
  /**
   * True for a state that more is to come of, such as an order that is open: at the bounds all others are forgotten before
   * it. Asked after each of its events. Default: of none.
   */
  keep?(state: State): boolean;
  /** Default `plainData`: objects, arrays, maps, sets, bigints, bytes; no functions and no classes. */
  readonly codec?: Codec<State>;
  readonly indexes?: readonly Index<State, SortKey>[];
  /** For people, what `not_found` says of a key. Default: There is nothing of "<key>" in <name>. */
  missing?(key: string): string;
}

// ── What follows is between a projection and what feeds it. ──

/** An event on its way to any number of projections: its payload is decoded when first asked for, once a type. */
export interface IncomingEvent {
  readonly position: Position;
  readonly appendedAt: bigint;
  /** Throws when the event, or its payload as this type, cannot be read. */
  as<Payload>(type: PayloadType<Payload>): ProjectedEvent<Payload>;
}

/** Between two waits, what a saved state is made of; gone when the projection is reset meanwhile. */
export interface SavedEntry {
  readonly key: string;
  readonly position: Position;
  readonly changedAt: bigint;
  readonly state: Uint8Array;
}

/** What is saved beside the entries. */
export interface SavedPlace {
  readonly positions: readonly Position[];
  readonly completeFrom: bigint | undefined;
  /** Keys let go because of the bounds since the projection was built. */
  readonly forgotten: number;
}

export interface Snapshot extends SavedPlace {
  readonly keys: number;
  /** The next entry as it was when the snapshot was taken, in the order in which they are forgotten; undefined at the end. */
  next(): SavedEntry | undefined;
  /** False: the projection was reset; what `next` gave is worth nothing. */
  readonly valid: boolean;
  /** To be called when no more is asked of it. */
  end(): void;
}

/** What a projection is told by what feeds it. */
export interface IntakeHost {
  readonly logger: Logger;
  compareOffsets(a: string, b: string): number;
  /** Something is about to be read: takes what is there, for a turn; once until the reader waits. */
  refresh(): void;
  /** Its answers are refused meanwhile. */
  rebuilding(): boolean;
  lag(): number;
  lack(lag: number, place?: Place): string | undefined;
  /** A partition that cannot be read, and why; undefined: there is none. */
  damage(): string | undefined;
  /** Unix nanoseconds. */
  now(): bigint;
  readonly timers: Pick<Timers, "after">;
}

export interface Intake {
  readonly name: string;
  readonly version: number;
  readonly topics: readonly string[];
  attach(host: IntakeHost): void;
  /** After which the next event of the partition comes; undefined until it begins. */
  position(topic: string, partition: number): Position | undefined;
  /** Before the first event of the partition. `completeFrom`: since when no event of it is missing; undefined: none is. */
  begin(position: Position, completeFrom: bigint | undefined): void;
  /** Never throws. To be followed by `moved` before anybody else has a turn. */
  take(event: IncomingEvent): void;
  /** What was taken of a partition goes to this position. */
  moved(position: Position): void;
  snapshot(): Snapshot;
  /** An entry of a saved state, in the order of the snapshot, before anything is taken. Throws on bytes that are no state. */
  restore(entry: SavedEntry): void;
  /** After the entries: the projection goes on from there. */
  resume(place: SavedPlace): void;
  /** Forgets everything, positions too. */
  reset(): void;
  /** Nothing comes any more. */
  close(): void;
  readonly stats: ProjectionStats;
}
