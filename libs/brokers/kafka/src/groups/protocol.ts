/** Joining a Kafka group, and what its members tell each other about their partitions. */
import {
  type Connection,
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
  joinGroupV7,
  syncGroupV5,
} from "@platformatic/kafka";
import { CODE, codeOf } from "../connection/failures.ts";
import { withCodes } from "../connection/leaders.ts";
import { assign, type MemberClaim, type TopicPartitions } from "./assignment.ts";

/** Tools that look into groups understand this type's assignments. */
const TYPE = "consumer";
/** How partitions are given out: a name of our own, so that no other client joins with other ideas of it. */
const PROTOCOL = "distribution-cooperative-1";
/** Of the subscription's layout: with owned partitions and generation. */
const LAYOUT = 2;

export interface GroupTimes {
  readonly sessionTimeoutMs: number;
  /** How long the coordinator waits for the members to join again, ms. */
  readonly joinTimeoutMs: number;
}

export interface Joined {
  readonly memberId: string;
  readonly generation: number;
  readonly assigned: readonly TopicPartitions[];
  /** It is this member that gives out the partitions. */
  readonly leads: boolean;
}

/**
 * One round: joins and is told its partitions. Returns when every member has joined, or the times are over. Throws the
 * coordinator's answer when the round failed.
 */
export async function join(
  connection: Connection,
  group: string,
  { sessionTimeoutMs, joinTimeoutMs }: GroupTimes,
  claim: MemberClaim,
  countPartitions: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>,
): Promise<Joined> {
  const { topics, owned, generation: seen } = claim;
  const metadata = encodeConsumerProtocolSubscription({
    ...{ version: LAYOUT, topics: [...topics], generationId: seen },
    ownedPartitions: owned.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] })),
  });
  const protocols = [{ name: PROTOCOL, metadata }];
  const ask = (memberId: string) =>
    joinGroupV7.api.async(connection, group, sessionTimeoutMs, joinTimeoutMs, memberId, null, TYPE, protocols);
  const answer = await ask(claim.id).catch(async (failure: unknown) => {
    // A new member is given its name first, so that one whose answer is lost does not join twice.
    if (codeOf(failure) !== CODE.MEMBER_ID_REQUIRED) throw failure;
    const { memberId } = await withCodes(Promise.reject<Awaited<ReturnType<typeof ask>>>(failure));
    return ask(memberId);
  });
  const { memberId, generationId, members, leader } = answer;
  const leads = leader === memberId;
  const assignments = leads ? await giveOut(members, countPartitions) : [];
  const sync = syncGroupV5.api.async;
  const { assignment } = await sync(connection, group, generationId, memberId, null, TYPE, PROTOCOL, assignments);
  const { assignedPartitions } = decodeConsumerProtocolAssignment(assignment);
  return { memberId, generation: generationId, assigned: assignedPartitions, leads };
}

interface JoinedMember {
  readonly memberId: string;
  readonly metadata: Buffer;
}

async function giveOut(
  members: readonly JoinedMember[],
  countPartitions: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>,
): Promise<{ memberId: string; assignment: Buffer }[]> {
  const claims = members.map(({ memberId, metadata }): MemberClaim => {
    const { topics, ownedPartitions, generationId } = decodeConsumerProtocolSubscription(metadata);
    return { id: memberId, topics, owned: ownedPartitions, generation: generationId };
  });
  const counts = await countPartitions([...new Set(claims.flatMap(({ topics }) => topics))]);
  return [...assign(claims, counts)].map(([memberId, given]) => ({
    memberId,
    assignment: encodeConsumerProtocolAssignment({
      version: LAYOUT,
      assignedPartitions: given.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] })),
    }),
  }));
}
