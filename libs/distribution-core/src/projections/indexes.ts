/** The indexes of one projection: sorted lists by group, moved with every change, and their pages. */
import { fieldError } from "../errors.ts";
import type { Entry, Index, ListRequest, Page, SortKey } from "./contract.ts";
import { readCursor, writeCursor } from "./page-cursor.ts";
import { type Place, SortedList } from "./sorted-list.ts";

/** Where an entry is in one index: an element of the list of each group. It goes with the entry through its changes. */
export interface IndexPlace<State> extends Place {
  sort: SortKey;
  lists: readonly GroupList<State>[];
  entry: Entry<State>;
}

/** The text of a group is kept once, whoever is in it. */
class GroupList<State> extends SortedList<IndexPlace<State>> {
  readonly group: string;

  constructor(group: string) {
    super();
    this.group = group;
  }
}

export interface Indexes<State> {
  /**
   * Where this entry belongs, for the `move` that is next; answers in how many lists that is. Changes nothing yet. Throws what the
   * domain's `group` and `sort` throw, and on a sort key that is NaN.
   */
  prepare(entry: Entry<State>): number;
  /** Takes the places of the entry before it, or none for a new one, to where `prepare` said; gives them back, one an index. */
  move(places: readonly IndexPlace<State>[] | undefined, entry: Entry<State>): readonly IndexPlace<State>[];
  leave(places: readonly IndexPlace<State>[]): void;
  page<Sort extends SortKey>(index: Index<State, Sort>, request: ListRequest<State, Sort>): Page<State>;
  count(index: Index<State, SortKey>, group: string): number;
  clear(): void;
}

export const PAGE_LIMIT = 1_000;
/** Entries that a page may look at, so that no `where` holds up the service: under a millisecond. */
export const PAGE_SCAN = 10_000;
/** The list of an index without groups. */
const ALL = "";

const ONLY_ALL: readonly string[] = [ALL];
const NO_GROUPS: readonly string[] = [];

type Lists<State> = Map<string, GroupList<State>>;

export function createIndexes<State>(projection: string, indexes: readonly Index<State, SortKey>[]): Indexes<State> {
  const lists: readonly Lists<State>[] = indexes.map(() => new Map());
  /** What `prepare` found, by index. */
  const sorts: SortKey[] = [];
  const groups: (readonly string[])[] = [];
  const listsOf = (index: Index<State, SortKey>): Lists<State> => {
    const found = lists[indexes.indexOf(index)];
    if (!found) throw new TypeError(`${projection} was made without the index ${index.name}: give it with the others.`);
    return found;
  };

  return {
    prepare(entry) {
      let count = 0;
      for (const [at, index] of indexes.entries()) {
        // Indexes that differ in their order alone share the function.
        groups[at] = at > 0 && index.group === indexes[at - 1]!.group ? groups[at - 1]! : groupsOf(index, entry);
        count += groups[at]!.length;
        const sort = index.sort(entry);
        if (Number.isNaN(sort)) throw new RangeError(`The index ${index.name} sorts ${entry.key} by NaN.`);
        sorts[at] = sort;
      }
      return count;
    },
    move(places, entry) {
      if (places === undefined) {
        return lists.map((all, at) => enter(all, groups[at]!, { sort: sorts[at]!, key: entry.key, entry }));
      }
      for (let at = 0; at < places.length; at += 1) change(lists[at]!, places[at]!, sorts[at]!, groups[at]!, entry);
      return places;
    },
    leave(places) {
      for (const [at, place] of places.entries()) leave(lists[at]!, place);
    },
    page(index, request) {
      const group = request.group ?? ALL;
      const name = [projection, index.name, group, request.order ?? "descending"];
      return readPage(listsOf(index).get(group), name, request);
    },
    count: (index, group) => listsOf(index).get(group)?.size ?? 0,
    clear() {
      for (const all of lists) all.clear();
    },
  };
}

/** Each once. */
function groupsOf<State>(index: Index<State, SortKey>, entry: Entry<State>): readonly string[] {
  if (!index.group) return ONLY_ALL;
  const groups = index.group(entry) ?? NO_GROUPS;
  if (typeof groups === "string") return [groups];
  return groups.some((group, at) => groups.indexOf(group) < at) ? [...new Set(groups)] : groups;
}

function enter<State>(
  all: Lists<State>,
  groups: readonly string[],
  { sort, key, entry }: Pick<IndexPlace<State>, "sort" | "key" | "entry">,
): IndexPlace<State> {
  const place = { sort, key, entry, lists: groups.map((group) => listOf(all, group)) };
  for (const list of place.lists) list.add(place);
  return place;
}

function listOf<State>(all: Lists<State>, group: string): GroupList<State> {
  let list = all.get(group);
  if (!list) {
    list = new GroupList(group);
    all.set(group, list);
  }
  return list;
}

/** Most changes leave most groups as they were: those lists are not looked up again, and not touched where the order stays. */
function change<State>(
  all: Lists<State>,
  place: IndexPlace<State>,
  sort: SortKey,
  groups: readonly string[],
  entry: Entry<State>,
): void {
  const { lists: before } = place;
  place.entry = entry;
  const stays = sort === place.sort;
  const isSame = before.length === groups.length && before.every(({ group }, at) => group === groups[at]);
  if (isSame && stays) return;
  const keeps = (at: number): boolean => isSame || before[at]?.group === groups[at];
  for (let at = 0; at < before.length; at += 1) {
    if (stays && keeps(at)) continue;
    const list = before[at]!;
    list.remove(place);
    if (list.size === 0 && !keeps(at)) all.delete(list.group);
  }
  place.sort = sort;
  if (!isSame) place.lists = groups.map((group, at) => (keeps(at) ? before[at]! : listOf(all, group)));
  for (let at = 0; at < groups.length; at += 1) if (!stays || !keeps(at)) place.lists[at]!.add(place);
}

function leave<State>(all: Lists<State>, place: IndexPlace<State>): void {
  for (const list of place.lists) {
    list.remove(place);
    if (list.size === 0) all.delete(list.group);
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
