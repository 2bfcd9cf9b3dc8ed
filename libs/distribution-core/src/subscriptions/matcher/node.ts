/** A node of the index: rows that are tested one by one, and groups that lead on by one field each. */
import { BandGroup, EdgeGroup, EqualGroup } from "./groups.ts";
import type { Slot } from "./slot.ts";

/** Shared by all nodes without groups, which are most: an event looks at memory that it has looked at before. */
const NONE: readonly never[] = [];

export class Node {
  /** The span of rows: its first, how many are in use, and the power of two that fit; -1: none yet. */
  start = 0;
  count = 0;
  order = -1;
  /** 0: rows only. 1: split by tests that few events pass. 2: by whatever there is. */
  split = 0;
  equals: readonly EqualGroup[] = NONE;
  bands: readonly BandGroup[] = NONE;
  edges: readonly EdgeGroup[] = NONE;
  /** The way here, to be taken away when the node is empty. */
  readonly parent: EqualGroup | BandGroup | EdgeGroup | undefined;
  /** Value, cell or edge in the parent, and the level of a cell. */
  readonly key: number;
  readonly level: number;

  constructor(parent: EqualGroup | BandGroup | EdgeGroup | undefined, key: number, level = 0) {
    this.parent = parent;
    this.key = key;
    this.level = level;
  }

  /** The child for the value, made where it is not there yet. */
  equal(slot: Slot, value: number): Node {
    let group = this.equals.find((one) => one.slot === slot);
    if (!group) {
      group = new EqualGroup(slot, this);
      this.equals = [...this.equals, group];
    }
    let child = group.get(value);
    if (!child) {
      child = new Node(group, value);
      group.set(value, child);
    }
    return child;
  }

  band(slot: Slot, level: number, cell: number): Node {
    let group = this.bands.find((one) => one.slot === slot);
    if (!group) {
      group = new BandGroup(slot, this);
      this.bands = [...this.bands, group];
    }
    const cells = group.level(level);
    let child = cells.get(cell);
    if (!child) {
      child = new Node(group, cell, level);
      cells.set(cell, child);
    }
    return child;
  }

  edge(slot: Slot, lower: boolean, edge: number): Node {
    let group = this.edges.find((one) => one.slot === slot && one.lower === lower);
    if (!group) {
      group = new EdgeGroup(slot, this, lower);
      this.edges = [...this.edges, group];
    }
    const at = group.find(edge);
    if (group.edges[at] === edge) return group.nodes[at]!;
    const child = new Node(group, edge);
    group.insert(edge, child);
    return child;
  }

  get empty(): boolean {
    return this.count === 0 && this.equals.length === 0 && this.bands.length === 0 && this.edges.length === 0;
  }

  /** Takes the node from its parent when it is empty, and so on up. */
  prune(): void {
    const { parent } = this;
    if (!parent || !this.empty) return;
    const { owner } = parent;
    if (parent instanceof EqualGroup) {
      parent.delete(this.key);
      if (parent.size === 0) owner.equals = owner.equals.filter((group) => group !== parent);
    } else if (parent instanceof BandGroup) {
      parent.delete(this.level, this.key);
      if (parent.used.length === 0) owner.bands = owner.bands.filter((group) => group !== parent);
    } else {
      parent.delete(this.key);
      if (parent.nodes.length === 0) owner.edges = owner.edges.filter((group) => group !== parent);
    }
    owner.prune();
  }
}
