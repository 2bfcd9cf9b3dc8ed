/**
 * Things in the order of their last change: added at the end, taken out anywhere, walked from any number on.
 *
 * They lie in pages. What is taken out leaves a hole, and neighbours that are mostly holes become one page. So no change
 * moves more than a page's worth, and a walk begins with a search among the pages, however far in the past it begins.
 */
export interface Ordered<T> {
  /** Each that is added has a higher one than those before it. */
  number: number;
  /** Where it lies; the order's own. */
  page: Page<T> | undefined;
  slot: number;
}

export interface Page<T> {
  /** No number in it is lower, and none of the page before is as high. */
  readonly from: number;
  slots: (T | undefined)[];
  /** Before this slot are holes only; from `end` on there was nothing yet. */
  start: number;
  end: number;
  held: number;
}

const PAGE_SLOTS = 256;
/** Two neighbours that together hold no more than this become one page. */
const MERGED = PAGE_SLOTS / 2;
/** A page looks at its neighbours each time it has lost so many; a power of two. */
const TIDY_EVERY = 16;

export class ChangeOrder<T extends Ordered<T>> {
  #pages: Page<T>[] = [];
  #last: Page<T> = emptyPage(0);

  get oldest(): T | undefined {
    return firstOf(this.#pages[0]);
  }

  add(item: T): void {
    let last = this.#last;
    if (last.end === PAGE_SLOTS || this.#pages.length === 0) last = this.#begin(item.number);
    item.page = last;
    item.slot = last.end;
    last.slots[last.end] = item;
    last.end += 1;
    last.held += 1;
  }

  /** It has to be here. */
  remove({ page, slot }: T): void {
    page!.slots[slot] = undefined;
    page!.held -= 1;
    if ((page!.held & (TIDY_EVERY - 1)) === 0 && page!.held <= MERGED && page !== this.#last) this.#tidy(page!);
  }

  /** Those with this number or a higher one, oldest first, until `visit` returns false. `visit` must not add or remove. */
  since(number: number, visit: (item: T) => boolean | undefined): void {
    for (let index = this.#indexOf(number); index < this.#pages.length; index += 1) {
      const { slots, start, end } = this.#pages[index]!;
      for (let slot = start; slot < end; slot += 1) {
        const item = slots[slot];
        if (item && item.number >= number && visit(item) === false) return;
      }
    }
  }

  /** The oldest that it holds for, where it holds for all that are newer. */
  first(holds: (item: T) => boolean): T | undefined {
    const pages = this.#pages;
    let low = 0;
    let high = pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = firstOf(pages[middle]);
      if (item && holds(item)) high = middle;
      else low = middle + 1;
    }
    return pages[low - 1]?.slots.find((item) => item && holds(item)) ?? firstOf(pages[low]);
  }

  clear(): void {
    this.#pages = [];
  }

  #begin(number: number): Page<T> {
    const full = this.#last;
    this.#last = emptyPage(number);
    this.#pages.push(this.#last);
    if (this.#pages.length > 1) this.#tidy(full);
    return this.#last;
  }

  /** After a page that is not the last one has lost something, or is no longer the last one. */
  #tidy(page: Page<T>): void {
    const index = this.#indexOf(page.from);
    if (page.held === 0) {
      this.#pages.splice(index, 1);
      return;
    }
    this.#merge(index);
    this.#merge(index - 1);
  }

  /** Puts what the page after this one holds behind what this one holds, if there is room to spare. */
  #merge(index: number): void {
    const page = this.#pages[index];
    const next = this.#pages[index + 1];
    if (!page || !next || next === this.#last || page.held + next.held > MERGED) return;
    const merged = emptyPage<T>(page.from);
    for (const { slots, start, end } of [page, next]) {
      for (let slot = start; slot < end; slot += 1) {
        const item = slots[slot];
        if (!item) continue;
        item.page = merged;
        item.slot = merged.end;
        merged.slots[merged.end] = item;
        merged.end += 1;
      }
    }
    merged.held = merged.end;
    this.#pages.splice(index, 2, merged);
  }

  /** Index of the last page that begins at the number or before it, or 0. */
  #indexOf(number: number): number {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#pages[middle]!.from > number) high = middle;
      else low = middle + 1;
    }
    return Math.max(0, low - 1);
  }
}

function firstOf<T>(page: Page<T> | undefined): T | undefined {
  if (!page) return undefined;
  while (page.start < page.end && page.slots[page.start] === undefined) page.start += 1;
  return page.slots[page.start];
}

const emptyPage = <T>(from: number): Page<T> => ({
  from,
  slots: new Array<T | undefined>(PAGE_SLOTS).fill(undefined),
  start: 0,
  end: 0,
  held: 0,
});
