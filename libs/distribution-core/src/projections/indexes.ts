/** The indexes of one projection: sorted lists by group, moved with every change, and their pages. */
import { fieldError } from "../errors.ts";
import type { Entry, Index, ListRequest, Page, SortKey } from "./contract.ts";
import { readCursor, writeCursor } from "./page-cursor.ts";
import { createSortedList, type Place, type SortedList } from "./sorted-list.ts";

/** Where an entry is in one index: an element of the list of each group. */
export interface IndexPlace<State> extends Place {
  readonly groups: readonly string[];
  /** The entry whose place it is; changes with the state while the place stays. */
  entry: Entry<State>;
}

export interface Indexes<State> {
  /** Where this entry belongs, one an index. Throws what the domain's `group` and `sort` throw, and on a sort key that is NaN. */
  placesOf(entry: Entry<State>): readonly IndexPlace<State>[];
  /** Either may be empty: an entry that is new, or one that goes. Gives back the places that the entry is in from now on. */
  move(from: readonly IndexPlace<State>[], to: readonly IndexPlace<State>[]): readonly IndexPlace<State>[];
  page<Sort extends SortKey>(index: Index<State, Sort>, request: ListRequest<State, Sort>): Page<State>;
  count(index: Index<State, SortKey>, group: string): number;
  clear(): void;
}

export const PAGE_LIMIT = 1_000;
/** Entries that a page may look at, so that no `where` holds up the service: under a millisecond. */
export const PAGE_SCAN = 10_000;
/** The list of an index without groups. */
const ALL = "";

type Lists<State> = Map<string, SortedList<IndexPlace<State>>>;

export function createIndexes<State>(projection: string, indexes: readonly Index<State, SortKey>[]): Indexes<State> {
  const lists: readonly Lists<State>[] = indexes.map(() => new Map());
  const listsOf = (index: Index<State, SortKey>): Lists<State> => {
    const found = lists[indexes.indexOf(index)];
    if (!found) throw new TypeError(`${projection} was made without the index ${index.name}: give it with the others.`);
    return found;
  };

  return {
    placesOf: (entry) => indexes.map((index) => placeIn(index, entry)),
    move(from, to) {
      return lists.map((groups, at) => {
        const before = from[at];
        const after = to[at];
        if (before && after && staysAt(before, after)) {
          before.entry = after.entry;
          return before;
        }
        if (before) leave(groups, before);
        if (after) enter(groups, after);
        return after!;
      });
    },
    page(index, request) {
      const group = request.group ?? ALL;
      const name = [projection, index.name, group, request.order ?? "descending"];
      return readPage(listsOf(index).get(group), name, request);
    },
    count: (index, group) => listsOf(index).get(group)?.size ?? 0,
    clear() {
      for (const groups of lists) groups.clear();
    },
  };
}

function placeIn<State>(index: Index<State, SortKey>, entry: Entry<State>): IndexPlace<State> {
  const group = index.group ? (index.group(entry) ?? []) : ALL;
  const groups = typeof group === "string" ? [group] : [...new Set(group)];
  const sort = index.sort(entry);
  if (Number.isNaN(sort)) throw new RangeError(`The index ${index.name} sorts ${entry.key} by NaN.`);
  return { sort, key: entry.key, groups, entry };
}

const staysAt = (a: IndexPlace<unknown>, b: IndexPlace<unknown>): boolean =>
  a.sort === b.sort && a.groups.length === b.groups.length && a.groups.every((group, at) => group === b.groups[at]);

function enter<State>(lists: Lists<State>, place: IndexPlace<State>): void {
  for (const group of place.groups) {
    let list = lists.get(group);
    if (!list) {
      list = createSortedList();
      lists.set(group, list);
    }
    list.add(place);
  }
}

function leave<State>(lists: Lists<State>, place: IndexPlace<State>): void {
  for (const group of place.groups) {
    const list = lists.get(group);
    list?.remove(place);
    if (list?.size === 0) lists.delete(group);
  }
}

function readPage<State, Sort extends SortKey>(
  list: SortedList<IndexPlace<State>> | undefined,
  name: readonly string[],
  request: ListRequest<State, Sort>,
): Page<State> {
  const { limit, where, cursor } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_LIMIT) {
    throw fieldError("invalid_request", "limit", `must be a whole number from 1 to ${PAGE_LIMIT}; it is ${limit}`);
  }
  const after = cursor === undefined ? undefined : readCursor(name, cursor);
  const entries: Entry<State>[] = [];
  let scanned = 0;
  let last: Place | undefined;
  for (const place of list ? walk(list, request, after) : []) {
    if (last && (entries.length === limit || scanned === PAGE_SCAN)) return { entries, next: writeCursor(name, last) };
    scanned += 1;
    last = place;
    if (!where || where(place.entry)) entries.push(place.entry);
  }
  return { entries, next: undefined };
}

/** The places of the range, in the order asked for, after the one of the cursor. */
function* walk<State, Sort extends SortKey>(
  list: SortedList<IndexPlace<State>>,
  { from, to, order }: ListRequest<State, Sort>,
  after: Place | undefined,
): Generator<IndexPlace<State>> {
  // No key is before the empty one: this is before all entries of that sort key.
  const edge = (sort: Sort | undefined): Place | undefined => (sort === undefined ? undefined : { sort, key: "" });
  if (order === "ascending") {
    for (const place of list.ascending(after ?? edge(from))) {
      if (to !== undefined && place.sort >= to) return;
      if (after === undefined || place.key !== after.key || place.sort !== after.sort) yield place;
    }
    return;
  }
  for (const place of list.descending(after ?? edge(to))) {
    if (from !== undefined && place.sort < from) return;
    yield place;
  }
}
