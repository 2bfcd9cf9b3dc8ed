/** What is to happen, by world time: a binary heap in a plain array, so that it is saved with the rest of the state. */

export interface Scheduled<Step> {
  /** Microseconds since the start of the world. */
  readonly at: number;
  /** Of two at the same time, what was scheduled first happens first. */
  readonly order: number;
  readonly step: Step;
}

const isBefore = (a: Scheduled<unknown>, b: Scheduled<unknown>): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

export function enqueue<Step>(heap: Scheduled<Step>[], entry: Scheduled<Step>): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (isBefore(heap[parent]!, entry)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

/** The first one, taken out. */
export function dequeue<Step>(heap: Scheduled<Step>[]): Scheduled<Step> | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (isBefore(last, heap[child]!)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
