/** Brings what a group's partitions have settled to where progress is kept. */
import type { GroupsOptions } from "./contract.ts";
import type { Feed } from "./feed.ts";

export class Storing {
  readonly #group: string;
  readonly #options: Pick<GroupsOptions, "store" | "overlappingStores">;
  readonly #feeds: ReadonlyMap<string, Feed>;
  /** The group has these no more, and what was settled of them is on its way. */
  readonly #leaving = new Set<Feed>();
  /** A call that has not begun. */
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(
    group: string,
    options: Pick<GroupsOptions, "store" | "overlappingStores">,
    feeds: ReadonlyMap<string, Feed>,
  ) {
    this.#group = group;
    this.#options = options;
    this.#feeds = feeds;
  }

  /** Stores what the feeds have not stored yet, or is still on its way; joins a call that has not begun. */
  store(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const storing = this.#last.then(() => {
      this.#next = undefined;
      return this.#storeChanged();
    });
    this.#next = storing;
    if (this.#options.overlappingStores !== true) this.#last = storing.catch(() => undefined);
    return storing;
  }

  /** The same, with feeds that the group has no more: acks that wait for their turn wait for these as well. */
  async storeLast(feeds: readonly Feed[]): Promise<void> {
    for (const feed of feeds) this.#leaving.add(feed);
    try {
      await this.store();
    } finally {
      for (const feed of feeds) this.#leaving.delete(feed);
    }
  }

  async #storeChanged(): Promise<void> {
    const changed = [...this.#feeds.values(), ...this.#leaving].filter(({ changes, stored }) => changes > stored);
    if (changed.length === 0) return;
    const taken = new Map<Feed, number>();
    const parts = changed.map((feed) => feed.part((changes) => taken.set(feed, changes)));
    await this.#options.store(this.#group, parts);
    for (const [feed, changes] of taken) feed.stored = Math.max(feed.stored, changes);
  }
}
