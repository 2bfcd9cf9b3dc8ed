/** A member of a group at work: it holds what it takes for a moment, and no two may hold the same key. */
import type { GroupMember } from "@distribution/core/brokers";
import { expect } from "vitest";
import { takenOf } from "../broker/index.ts";
import type { Observer } from "../history/index.ts";

export interface Worker {
  readonly taken: number;
  /** Finishes what it has in hand, and leaves. Rejects when a key was in other hands meanwhile. */
  stop(): Promise<void>;
}

/** Takes, holds for a moment and acks. `hands`: by key, who has it; one for all members of the group. */
export function startWorker(member: GroupMember, observer: Observer, hands: Map<string, GroupMember>): Worker {
  let taken = 0;
  let busy = false;
  let stopping = false;
  const broken: string[] = [];
  const run = (async () => {
    while (!stopping) {
      const batches = takenOf(await member.next(50));
      if (batches.length === 0) return;
      busy = true;
      for (const { id, key } of batches) {
        const other = hands.get(key);
        if (other !== undefined && other !== member) broken.push(`${id}: ${key} is in other hands`);
        hands.set(key, member);
        observer.saw(id);
      }
      taken += batches.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
      for (const { key } of batches) hands.delete(key);
      // A partition that was given to another meanwhile: its events come again there.
      await member.ack(batches.map(({ position }) => position)).catch(() => undefined);
      busy = false;
    }
  })();
  return {
    get taken() {
      return taken;
    },
    async stop() {
      stopping = true;
      // What it has in hand it finishes.
      await new Promise(setImmediate);
      if (busy) await run;
      await member.close();
      await run;
      expect(broken).toEqual([]);
    },
  };
}
