/** The groups of a broker in this process: begun with their first member, let go of with their last. */
import type { GroupOptions } from "@distribution/core/brokers";
import { fieldError, toDistributionError } from "@distribution/core/errors";
import type { GroupSession, Groups, GroupsOptions } from "./contract.ts";
import { Group } from "./group.ts";
import { duration } from "./member.ts";

interface Running {
  readonly group: Group;
  readonly session: GroupSession;
}

export function createGroups(options: GroupsOptions): Groups {
  const running = new Map<string, Running>();
  const turns = new Map<string, Promise<unknown>>();

  /** Joins and last leaves of a group one at a time: it begins with what its predecessor stored. */
  const exclusive = <T>(name: string, change: () => Promise<T>): Promise<T> => {
    const run = (turns.get(name) ?? Promise.resolve()).then(change);
    const over = run
      .catch(() => undefined)
      .then(() => {
        if (turns.get(name) === over) turns.delete(name);
      });
    turns.set(name, over);
    return run;
  };

  const stop = async ({ group, session }: Running): Promise<void> => {
    try {
      await group.stop();
    } finally {
      await session.close();
    }
  };

  const start = async (wanted: GroupOptions): Promise<Running> => {
    const { name, topics } = wanted;
    const group = new Group(name, topics, {
      ...options,
      onEmpty: (empty) =>
        exclusive(name, async () => {
          const found = running.get(name);
          if (found?.group !== empty || !empty.empty) return;
          running.delete(name);
          await stop(found);
        }),
    });
    try {
      const begun = { group, session: await options.start(group, wanted) };
      running.set(name, begun);
      return begun;
    } catch (failure) {
      await group.stop();
      throw failure;
    }
  };

  return {
    async join(wanted) {
      checkOptions(wanted);
      return exclusive(wanted.name, async () => {
        const topics = [...new Set(wanted.topics)];
        const current = running.get(wanted.name);
        if (current !== undefined) checkTopics(current.group, topics);
        const { group } = current ?? (await start({ ...wanted, topics }));
        return group.join(wanted.ackTimeoutMs);
      });
    },
    running: () => [...running.values()].map(({ group }) => group),
    find: (name) => running.get(name)?.group,
    async close() {
      while (turns.size > 0) await Promise.all(turns.values());
      const all = [...running.values()];
      running.clear();
      const told = (failure: unknown): void => options.onFailure(toDistributionError(failure));
      await Promise.all(all.map((one) => stop(one).catch(told)));
    },
  };
}

/** Throws `invalid_request` when the group has others. */
function checkTopics({ name, topics }: Group, wanted: readonly string[]): void {
  if (topics.length === wanted.length && wanted.every((topic) => topics.includes(topic))) return;
  const had = topics.join(", ");
  throw fieldError("invalid_request", "topics", `the group ${name} consumes ${had}; join it for the same topics`);
}

/** Throws `invalid_request` naming the field. */
function checkOptions({ name, topics, from, ackTimeoutMs }: GroupOptions): void {
  if (typeof name !== "string" || name === "" || name.length > 200 || name.includes("\0")) {
    throw fieldError("invalid_request", "name", "must be text of 1 to 200 characters without NUL");
  }
  if (topics.length === 0) throw fieldError("invalid_request", "topics", "must name at least one topic");
  if (from !== "earliest" && from !== "latest") {
    throw fieldError("invalid_request", "from", `must be earliest or latest, not ${String(from)}`);
  }
  duration(ackTimeoutMs, "ackTimeoutMs", 1);
}
