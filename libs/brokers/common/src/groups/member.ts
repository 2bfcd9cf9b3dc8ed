/** A member of a group as its owner sees it: a thin face over the group's work. */

import { TransitSet } from "@distribution/collections";
import type { GroupBatch, GroupMember, Position } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import type { Group } from "./group.ts";
import type { Entry, Lane } from "./lane.ts";

export class Member implements GroupMember {
  readonly ackTimeoutMs: number;
  /** In its hands. */
  readonly out = new TransitSet<Entry>();
  /** Lanes it holds in which more waits for it. */
  readonly ready = new TransitSet<Lane>();
  closed = false;
  readonly #group: Group;
  #busy = false;

  constructor(group: Group, ackTimeoutMs: number) {
    this.#group = group;
    this.ackTimeoutMs = ackTimeoutMs;
  }

  async next(maxEvents: number): Promise<readonly GroupBatch[]> {
    if (!Number.isSafeInteger(maxEvents) || maxEvents < 1) {
      throw fieldError("invalid_request", "maxEvents", `must be a whole number of at least 1, not ${maxEvents}`);
    }
    if (this.#busy) throw fieldError("invalid_request", "next", "one call at a time; await the one before");
    this.#busy = true;
    try {
      return await this.#group.next(this, maxEvents);
    } finally {
      this.#busy = false;
    }
  }

  async ack(positions: readonly Position[]): Promise<void> {
    await this.#group.ack(positions);
  }

  async nack(positions: readonly Position[], delayMs: number): Promise<void> {
    await this.#group.nack(this, positions, duration(delayMs, "delayMs", 0));
  }

  async extend(positions: readonly Position[], ms: number): Promise<void> {
    this.#group.extend(this, positions, duration(ms, "ms", 1));
  }

  async close(): Promise<void> {
    await this.#group.leave(this);
  }
}

/** The longest that a timer takes. */
const MAX_MS = 2 ** 31 - 1;

/** Throws `invalid_request` naming the field. */
export function duration(ms: number, field: string, least: number): number {
  if (!(ms >= least && ms <= MAX_MS)) {
    throw fieldError("invalid_request", field, `must be from ${least} to ${MAX_MS} ms, not ${ms}`);
  }
  return ms;
}
