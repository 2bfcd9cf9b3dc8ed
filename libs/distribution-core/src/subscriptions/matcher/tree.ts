/** Puts conjunctions into the index and takes them out: each touches the path it lies on, and nothing else. */
import type { EventSlots } from "./event-slots.ts";
import { BandGroup, edgeOf } from "./groups.ts";
import { Node } from "./node.ts";
import type { Entry, Placement } from "./placement.ts";
import { INTS, MORE, Rows } from "./rows.ts";
import { isBand, shareOf, type Test } from "./tests.ts";

/** A node with more rows than this is split by tests that few events pass; rows are cheaper than look-ups below it. */
export const CROWDED = 64;
/** With more than this, by any test that a group can hold. */
export const OVERCROWDED = 512;
/** What "few" is: one event in four. */
const SELECTIVE = 0.25;
/** `used` is a mask of 31 bits: later tests of a conjunction never choose its path. */
const MAX_PATH_TESTS = 31;
const NOTHING: readonly Test[] = [];

export class Tree {
  readonly root = new Node(undefined, 0);
  readonly rows = new Rows();
  readonly #slots: EventSlots;

  readonly #crowded: number;
  readonly #overcrowded: number;

  constructor(slots: EventSlots, crowded: number, overcrowded: number) {
    this.#slots = slots;
    this.#crowded = crowded;
    this.#overcrowded = overcrowded;
  }

  insert(entry: Entry): void {
    this.#place(this.root, entry, 0);
  }

  remove(entry: Entry): void {
    for (const placement of entry.placements) {
      this.#takeRow(placement);
      placement.node.prune();
    }
    entry.placements = [];
  }

  #place(node: Node, entry: Entry, used: number): void {
    const chosen = node.split === 0 ? -1 : choose(entry.tests, used, node.split === 1 ? SELECTIVE : 1);
    if (chosen === -1) this.#addRow(node, entry, used);
    else for (const child of childrenFor(node, entry.tests[chosen]!)) this.#place(child, entry, used | (1 << chosen));
  }

  #addRow(node: Node, entry: Entry, used: number): void {
    const { rows } = this;
    if (node.order === -1 || node.count === 1 << node.order) this.#widen(node);
    const row = node.start + node.count++;
    // A set or a value on the way here is decided; a cell or an edge is a neighbourhood, and the row has the numbers.
    const open = entry.tests.filter((test, i) => test.op !== "in" || i >= MAX_PATH_TESTS || (used & (1 << i)) === 0);
    const rest = rows.write(row, entry.id, open, this.#slots);
    const placement: Placement = { entry, node, row, used, rest: rest.length > 0 ? rest : NOTHING };
    rows.placements[row] = placement;
    if (rest.length > 0 || entry.verify) rows.ints[row * INTS + MORE] = 1;
    // Most have one: `push` would leave room for sixteen more.
    if (entry.placements.length === 0) entry.placements = [placement];
    else entry.placements.push(placement);
    if (node.split === 0 && node.count > this.#crowded) this.#split(node, 1);
    else if (node.split === 1 && node.count > this.#overcrowded) this.#split(node, 2);
  }

  #widen(node: Node): void {
    const { rows } = this;
    const order = node.order + 1;
    const start = rows.allocate(order);
    if (node.order !== -1) {
      rows.move(node.start, start, node.count);
      rows.free(node.start, node.order);
    }
    node.start = start;
    node.order = order;
  }

  #takeRow({ node, row }: Placement): void {
    const { rows } = this;
    node.count--;
    const last = node.start + node.count;
    rows.placements[row] = undefined;
    if (last !== row) rows.move(last, row, 1);
    if (node.count > 0) return;
    rows.free(node.start, node.order);
    node.order = -1;
  }

  #split(node: Node, degree: number): void {
    const { rows } = this;
    const { start, count, order } = node;
    const placements = rows.placements.slice(start, start + count) as Placement[];
    node.split = degree;
    node.count = 0;
    node.order = -1;
    rows.placements.fill(undefined, start, start + count);
    rows.free(start, order);
    for (const placement of placements) {
      const { entry } = placement;
      entry.placements.splice(entry.placements.indexOf(placement), 1);
      this.#place(node, entry, placement.used);
    }
  }
}

/** The test not used yet that the fewest events pass; -1 when there is none below the bound. */
function choose(tests: readonly Test[], used: number, bound: number): number {
  let chosen = -1;
  let least = bound;
  for (let i = 0; i < Math.min(tests.length, MAX_PATH_TESTS); i++) {
    if ((used & (1 << i)) !== 0) continue;
    const share = shareOf(tests[i]!);
    if (share > least || (share === least && chosen !== -1)) continue;
    chosen = i;
    least = share;
  }
  return chosen;
}

function childrenFor(node: Node, test: Test): Node[] {
  if (test.op === "in") return test.values.map((value) => node.equal(test.slot, value));
  if (test.op !== "range") return [];
  if (isBand(test)) {
    const { level, cells } = BandGroup.cells(test.low, test.high);
    return cells.map((cell) => node.band(test.slot, level, cell));
  }
  const { slot, low, high } = test;
  const lower = Number.isFinite(low);
  return [node.edge(slot, lower, edgeOf(lower ? low : high))];
}
