/**
 * The predicate index of one topic's filters.
 *
 * Every filter is a few conjunctions of tests (filter/normalize.ts). A conjunction lies in a tree of nodes, one test a level
 * and only as deep as crowding asks for; where it lies it is a row of numbers. An event is read once, into a value number, a
 * number and a bit for each field that any filter names, and then walks down the groups it belongs to and along their rows.
 * Access predicates rather than counting: after Fabret et al., "Filtering Algorithms and Implementation for Very Fast
 * Publish/Subscribe Systems", SIGMOD 2001.
 */
import { fieldError } from "../../errors.ts";
import { FNV_BASIS } from "../../events/fields/byte-table.ts";
import { createEventReader, type DecodedEvent, decodeEvent, type EventReader } from "../../events/fields/index.ts";
import type { Filter, MatchBuffer, Matcher, TopicSchema } from "../contract.ts";
import { planOf } from "../filter/cel-filter.ts";
import type { Conjunction, FilterPlan, Term } from "../filter/terms.ts";
import { OTHER } from "./constants.ts";
import { EventSlots } from "./event-slots.ts";
import { cellOf, edgeOf } from "./groups.ts";
import type { Node } from "./node.ts";
import { orderedHigh } from "./ordered.ts";
import type { Entry, Placement, Verifier } from "./placement.ts";
import { DOUBLES, EQUAL_SLOT, EQUAL_VALUE, ID, INTS, MORE, RANGE_1, RANGE_2 } from "./rows.ts";
import type { Slot } from "./slot.ts";
import { compileTerm, passes, releaseTest } from "./tests.ts";
import { CROWDED, OVERCROWDED, Tree } from "./tree.ts";

export interface MatcherOptions {
  /** Ids are below this: the matcher keeps 4 bytes for each up to the highest in use. */
  readonly maxIds?: number;
  /** Of the hash over constants; a random one keeps strangers from choosing constants that collide. */
  readonly seed?: number;
  /** Rows of one node before it is split by tests that few events pass. */
  readonly crowded?: number;
  /** Rows of one node before it is split by any test that can be. */
  readonly overcrowded?: number;
}

export const DEFAULT_MAX_IDS = 4_194_304;

/** `invalid_request` from `add`: an id that is no integer from 0 below `maxIds`, or in use. An event that is no Event message matches nothing. */
export function createMatcher(schema: TopicSchema, options: MatcherOptions = {}): Matcher {
  return new IndexMatcher(schema, options);
}

const EVERY_EVENT: readonly Conjunction[] = [{ terms: [], verify: false }];
const ASK_THE_FILTER: readonly Conjunction[] = [{ terms: [], verify: true }];

class IndexMatcher implements Matcher {
  readonly #schema: TopicSchema;
  readonly #maxIds: number;
  readonly #slots: EventSlots;
  readonly #reader: EventReader;
  readonly #tree: Tree;
  readonly #entries = new Map<number, readonly Entry[]>();
  /** By id: the event that it was found for last, so that it is found once. */
  #found = new Uint32Array(64);
  #event = 0;
  /** The event at hand, for what the index cannot decide. */
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #decoded: DecodedEvent | undefined;
  #decodedFor: FilterPlan["create"] | undefined;
  #out: MatchBuffer = { ids: new Uint32Array(0), count: 0 };

  constructor(schema: TopicSchema, options: MatcherOptions) {
    this.#schema = schema;
    this.#maxIds = options.maxIds ?? DEFAULT_MAX_IDS;
    this.#slots = new EventSlots(options.seed ?? FNV_BASIS);
    this.#reader = createEventReader(schema.message, this.#slots);
    this.#tree = new Tree(this.#slots, options.crowded ?? CROWDED, options.overcrowded ?? OVERCROWDED);
  }

  get size(): number {
    return this.#entries.size;
  }

  add(id: number, filter: Filter | undefined, keys: readonly string[]): void {
    this.#checkId(id);
    const known = filter && planOf(filter);
    // A filter of another schema reads other fields: it is asked itself.
    const plan = known?.message === this.#schema.message ? known : undefined;
    const conjunctions = filter ? (plan?.conjunctions ?? ASK_THE_FILTER) : EVERY_EVENT;
    const keyed: Term[] = keys.length > 0 ? [{ op: "in", field: KEY, values: [...new Set(keys)] }] : [];
    const verifier = filter && { filter, plan };
    const entries = conjunctions.map((one) =>
      this.#entry(id, [...keyed, ...one.terms], one.verify ? verifier : undefined),
    );
    this.#entries.set(id, entries);
    for (const entry of entries) this.#tree.insert(entry);
  }

  remove(id: number): void {
    for (const entry of this.#entries.get(id) ?? []) {
      this.#tree.remove(entry);
      for (const test of entry.tests) releaseTest(test, this.#slots, this.#unwant);
    }
    this.#entries.delete(id);
  }

  match(bytes: Uint8Array, start: number, end: number, out: MatchBuffer): void {
    out.count = 0;
    this.#slots.reset();
    if (!this.#reader.read(bytes, start, end)) return;
    this.#event++;
    if (this.#event === 0x1_0000_0000) {
      this.#event = 1;
      this.#found.fill(0);
    }
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#decodedFor = undefined;
    this.#out = out;
    this.#visit(this.#tree.root);
  }

  #checkId(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= this.#maxIds) {
      throw fieldError(
        "invalid_request",
        "id",
        `${id} is no integer from 0 below ${this.#maxIds}; number subscribers densely`,
      );
    }
    if (this.#entries.has(id)) throw fieldError("invalid_request", "id", `${id} is in use; remove it first`);
    if (id < this.#found.length) return;
    const found = new Uint32Array(2 ** (32 - Math.clz32(id)));
    found.set(this.#found);
    this.#found = found;
  }

  #entry(id: number, terms: readonly Term[], verify: Verifier | undefined): Entry {
    const tests = terms.map((term) => compileTerm(term, this.#slots, this.#want));
    return { id, tests, verify, placements: [] };
  }

  readonly #want = (slot: Slot): void => this.#reader.want(slot.field, slot.index);

  readonly #unwant = (slot: Slot): void => {
    if (slot.key.startsWith("[")) this.#reader.unwant(slot.field);
  };

  #visit(node: Node): void {
    if (node.count > 0) this.#testRows(node);
    if (node.split === 0) return;
    for (let i = 0; i < node.equals.length; i++) {
      const group = node.equals[i]!;
      const { slot } = group;
      if (slot.multiple) {
        for (let at = 0; at < slot.count; at++) {
          const child = group.get(slot.list[at]!);
          if (child) this.#visit(child);
        }
      } else {
        const value = this.#slots.ids[slot.index]!;
        const child = value <= OTHER ? undefined : group.get(value);
        if (child) this.#visit(child);
      }
    }
    if (node.bands.length > 0) this.#visitBands(node);
    if (node.edges.length > 0) this.#visitEdges(node);
  }

  #visitBands(node: Node): void {
    for (let i = 0; i < node.bands.length; i++) {
      const { slot, used, levels } = node.bands[i]!;
      const number = this.#slots.numbers[slot.index]!;
      if (Number.isNaN(number)) continue;
      const high = orderedHigh(number);
      for (let at = 0; at < used.length; at++) {
        const level = used[at]!;
        const child = levels[level]!.get(cellOf(high, level));
        if (child) this.#visit(child);
      }
    }
  }

  #visitEdges(node: Node): void {
    for (let i = 0; i < node.edges.length; i++) {
      const { slot, lower, edges, nodes } = node.edges[i]!;
      const number = this.#slots.numbers[slot.index]!;
      if (Number.isNaN(number)) continue;
      const edge = edgeOf(number);
      if (lower) for (let at = 0; at < edges.length && edges[at]! <= edge; at++) this.#visit(nodes[at]!);
      else for (let at = edges.length - 1; at >= 0 && edges[at]! >= edge; at--) this.#visit(nodes[at]!);
    }
  }

  /** The inner loop: a row costs four words, two ranges and one comparison, most fail at the first. */
  #testRows(node: Node): void {
    const { ints, doubles } = this.#tree.rows;
    const { ids, numbers, words } = this.#slots;
    const word0 = words[0]!;
    const word1 = words[1]!;
    const word2 = words[2]!;
    const word3 = words[3]!;
    const end = node.start + node.count;
    for (let row = node.start; row < end; row++) {
      const at = row * INTS;
      if (((ints[at]! & word0) | (ints[at + 1]! & word1) | (ints[at + 2]! & word2) | (ints[at + 3]! & word3)) !== 0)
        continue;
      if (ids[ints[at + EQUAL_SLOT]!] !== ints[at + EQUAL_VALUE]) continue;
      const range = row * DOUBLES;
      const first = numbers[ints[at + RANGE_1]!]!;
      if (!(first >= doubles[range]! && first <= doubles[range + 1]!)) continue;
      const second = numbers[ints[at + RANGE_2]!]!;
      if (!(second >= doubles[range + 2]! && second <= doubles[range + 3]!)) continue;
      const id = ints[at + ID]!;
      if (this.#found[id] === this.#event) continue;
      if (ints[at + MORE] !== 0 && !this.#more(this.#tree.rows.placements[row]!)) continue;
      this.#found[id] = this.#event;
      this.#push(id);
    }
  }

  /** What a row does not hold. */
  #more({ rest, entry }: Placement): boolean {
    for (let i = 0; i < rest.length; i++) if (!passes(rest[i]!, this.#slots)) return false;
    return entry.verify === undefined || this.#verify(entry.verify);
  }

  /** Decodes the event at most once for all filters. */
  #verify({ filter, plan }: Verifier): boolean {
    if (!plan) return filter.test(this.#bytes.subarray(this.#start, this.#end));
    if (this.#decodedFor !== plan.create) {
      this.#decoded = decodeEvent(this.#bytes.subarray(this.#start, this.#end), this.#schema.message, plan.create);
      this.#decodedFor = plan.create;
    }
    return this.#decoded !== undefined && plan.testDecoded(this.#decoded);
  }

  #push(id: number): void {
    const out = this.#out;
    if (out.count === out.ids.length) {
      const longer = new Uint32Array(Math.max(64, out.count * 2));
      longer.set(out.ids);
      out.ids = longer;
    }
    out.ids[out.count++] = id;
  }
}

const KEY = { path: ["key"], elements: false };
