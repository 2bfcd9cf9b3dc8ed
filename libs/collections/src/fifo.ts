/** A queue on an array: constant-time push and shift, and access by place, without moving the rest on every shift. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest, taken out. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head === this.#items.length) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The item `place` after the oldest. */
  at(place: number): T | undefined {
    return this.#items[this.#head + place];
  }

  /** Everything, the oldest first, taken out. */
  drain(): T[] {
    const all = this.#items.slice(this.#head) as T[];
    this.clear();
    return all;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
