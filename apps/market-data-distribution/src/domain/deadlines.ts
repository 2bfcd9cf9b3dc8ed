/** Things to do at a time, grouped by the time: bars of one interval all end together, so there are few distinct times. */
export interface Deadlines<Item> {
  add(at: bigint, item: Item): void;
  /** Takes out what is due at or before `now`: earliest first, then in the order added. */
  due(now: bigint): readonly Item[];
}

export function createDeadlines<Item>(): Deadlines<Item> {
  const groups = new Map<bigint, Item[]>();
  /** Undefined when empty; spares the walk when nothing is due. */
  let earliest: bigint | undefined;

  return {
    add(at, item) {
      const group = groups.get(at);
      if (group) group.push(item);
      else groups.set(at, [item]);
      if (earliest === undefined || at < earliest) earliest = at;
    },
    due(now) {
      if (earliest === undefined || now < earliest) return [];
      const times = [...groups.keys()].sort((a, b) => (a < b ? -1 : 1));
      const ready = times.filter((at) => at <= now);
      const items = ready.flatMap((at) => groups.get(at) ?? []);
      for (const at of ready) groups.delete(at);
      earliest = times[ready.length];
      return items;
    },
  };
}
