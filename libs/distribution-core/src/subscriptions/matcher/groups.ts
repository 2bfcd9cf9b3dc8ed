/** The ways from a node to its children by one field of the event. */
import type { Node } from "./node.ts";
import { orderedHigh } from "./ordered.ts";
import type { Slot } from "./slot.ts";

/** A group may have this many times more places in its array than children; beyond it they go to a Map. */
const SPARSENESS = 4;
const FIRST_PLACES = 32;

/** By value: one look-up for a field, one an element for a list. Value numbers are dense where many filters name the field. */
export class EqualGroup {
  readonly slot: Slot;
  readonly owner: Node;
  size = 0;
  readonly #dense: (Node | undefined)[] = [];
  readonly #sparse = new Map<number, Node>();

  constructor(slot: Slot, owner: Node) {
    this.slot = slot;
    this.owner = owner;
  }

  get(value: number): Node | undefined {
    const near = value < this.#dense.length ? this.#dense[value] : undefined;
    return near !== undefined || this.#sparse.size === 0 ? near : this.#sparse.get(value);
  }

  set(value: number, node: Node): void {
    this.size++;
    if (value >= Math.max(FIRST_PLACES, this.size * SPARSENESS)) {
      this.#sparse.set(value, node);
      return;
    }
    while (this.#dense.length <= value) this.#dense.push(undefined);
    this.#dense[value] = node;
  }

  delete(value: number): void {
    this.size--;
    if (!this.#sparse.delete(value)) this.#dense[value] = undefined;
  }
}

const LEVELS = 33;

/**
 * Bands with both ends, in grids over the order of doubles. A band is kept in the grid whose cells are just wider than itself, so
 * that it touches one or two of them; an event looks at one cell of each grid in use.
 */
export class BandGroup {
  readonly slot: Slot;
  readonly owner: Node;
  readonly levels: (Map<number, Node> | undefined)[] = new Array(LEVELS).fill(undefined);
  /** Levels in use. */
  used: number[] = [];

  constructor(slot: Slot, owner: Node) {
    this.slot = slot;
    this.owner = owner;
  }

  /** Level and cells of a band. */
  static cells(low: number, high: number): { level: number; cells: number[] } {
    const from = orderedHigh(low);
    const to = orderedHigh(high);
    const level = to > from ? 32 - Math.clz32(to - from) : 0;
    const first = cellOf(from, level);
    const last = cellOf(to, level);
    return { level, cells: first === last ? [first] : [first, last] };
  }

  level(level: number): Map<number, Node> {
    const known = this.levels[level];
    if (known) return known;
    const made = new Map<number, Node>();
    this.levels[level] = made;
    this.used.push(level);
    return made;
  }

  delete(level: number, cell: number): void {
    const nodes = this.levels[level]!;
    nodes.delete(cell);
    if (nodes.size > 0) return;
    this.levels[level] = undefined;
    this.used = this.used.filter((other) => other !== level);
  }
}

/** A shift by 32 is none in JavaScript: the widest level has one cell. The result is a small integer, as keys of a Map like it. */
export function cellOf(high: number, level: number): number {
  return level === 32 ? 0 : (high >>> level) | 0;
}

/** Thresholds are gathered four to an octave; the rows below decide exactly. */
const EDGE_SHIFT = 18;

export function edgeOf(value: number): number {
  return orderedHigh(value) >>> EDGE_SHIFT;
}

/** One-sided ranges, sorted: everything on one side of the event's number may match, nothing on the other does. */
export class EdgeGroup {
  readonly slot: Slot;
  readonly owner: Node;
  /** True: `>=` the edge. False: `<=`. */
  readonly lower: boolean;
  readonly edges: number[] = [];
  readonly nodes: Node[] = [];

  constructor(slot: Slot, owner: Node, lower: boolean) {
    this.slot = slot;
    this.owner = owner;
    this.lower = lower;
  }

  /** Where the edge is, or would be. */
  find(edge: number): number {
    let from = 0;
    let to = this.edges.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.edges[middle]! < edge) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  insert(edge: number, node: Node): void {
    const at = this.find(edge);
    this.edges.splice(at, 0, edge);
    this.nodes.splice(at, 0, node);
  }

  delete(edge: number): void {
    const at = this.find(edge);
    this.edges.splice(at, 1);
    this.nodes.splice(at, 1);
  }
}
