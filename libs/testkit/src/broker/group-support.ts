/** Small words for tests on groups. */
import type { GroupMember, GroupOptions, Position } from "@distribution/core/brokers";
import type { LawContext } from "./law-context.ts";
import { batchOf, type TakenEvent } from "./support.ts";

/** Appends one event a call, each with a key of its own unless it is `id:key`. */
export async function publish(context: LawContext, topic: string, names: readonly string[]): Promise<void> {
  const events = names.map((name) => ({ id: name.split(":")[0]!, key: name.split(":")[1] ?? name }));
  await context.broker.append([{ topic, partition: 0, batch: batchOf(events) }]);
}

/** Joins a group for the test's topic; the member is closed with the test. */
export async function withMembers(
  context: LawContext,
  options: readonly (Partial<GroupOptions> & Pick<GroupOptions, "topics" | "name">)[],
  use: (...members: GroupMember[]) => Promise<void>,
): Promise<void> {
  const members: GroupMember[] = [];
  try {
    for (const one of options) {
      members.push(await context.broker.group({ from: "earliest", ackTimeoutMs: 30_000, ...one }));
    }
    await use(...members);
  } finally {
    for (const member of members) await member.close();
  }
}

export const idsTaken = (taken: readonly TakenEvent[]): string[] => taken.map(({ id }) => id);
export const positionsTaken = (taken: readonly TakenEvent[]): Position[] => taken.map(({ position }) => position);
