/** Commits as a member of a group, over rebalances, for as long as what is committed is the member's. */
import type { DistributionError } from "@distribution/core/errors";
import { asUnavailable } from "../connection/cluster.ts";
import { CODE, codeOf, unavailable } from "../connection/failures.ts";
import type { Settings } from "../options.ts";
import { commit, type PartitionCommit } from "./commits.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Member } from "./member.ts";

export interface Committer {
  readonly coordinator: Coordinator;
  readonly member: Member;
  readonly group: string;
}

/** `take` says what to commit, at each try, and throws when that is not ours any more. Rejects with that, or `unavailable`. */
export async function commitAsMember(
  { runtime, requestTimeoutMs }: Pick<Settings, "runtime" | "requestTimeoutMs">,
  { coordinator, member, group }: Committer,
  take: () => readonly PartitionCommit[],
): Promise<void> {
  const until = runtime.clock.monotonicMs() + requestTimeoutMs;
  for (;;) {
    const { membership } = member;
    if (membership !== undefined) {
      const parts = take();
      try {
        await commit(coordinator, group, membership, parts);
        return;
      } catch (failure) {
        const code = codeOf(failure);
        if (code === CODE.UNKNOWN_MEMBER_ID || code === CODE.FENCED_INSTANCE_ID) {
          member.forgotten();
          throw lost(group, failure);
        }
        if (code !== CODE.REBALANCE_IN_PROGRESS && code !== CODE.ILLEGAL_GENERATION) throw asUnavailable(failure);
      }
    }
    const left = until - runtime.clock.monotonicMs();
    if (left <= 0) throw unavailable(`The group ${group} is being rebalanced; ack again shortly.`);
    const { membership: now } = member;
    if (now === undefined || now.generation === membership?.generation) await member.nextRound(left);
  }
}

export const lost = (group: string, cause?: unknown): DistributionError =>
  unavailable(`The group ${group} has given the partition to another member; its events come again there.`, cause);
