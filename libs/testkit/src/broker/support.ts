/** Small words for tests on brokers: make a batch of named events, read until that many came, name the positions. */
import type {
  Appended,
  Broker,
  GroupBatch,
  GroupMember,
  PartitionReader,
  Position,
  StoredBatch,
} from "@distribution/core/brokers";
import { decodeEvent, messageAt, type PackedBatch, packEvents } from "@distribution/core/events";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";

export interface BatchEvent {
  readonly id: string;
  readonly key: string;
  readonly data?: Uint8Array;
}

export function batchOf(events: readonly BatchEvent[]): PackedBatch {
  return packEvents(
    events.map(({ id, key, data }) =>
      Event.create({
        ...{ id, key, source: "/testkit", type: "testkit.event.v1", class: EventClass.TRADE },
        contentType: "application/octet-stream",
        data: Buffer.from(data ?? []),
      }),
    ),
  );
}

/** The events of a batch, decoded. */
export function eventsOf({ batch }: Pick<StoredBatch, "batch">): Event[] {
  return Array.from({ length: batch.count }, (_, at) => decodeEvent(messageAt(batch, at)));
}

export const idsOf = (stored: Pick<StoredBatch, "batch">): string[] => eventsOf(stored).map(({ id }) => id);

/** Event messages as they lie in the batch: what must come back as it was given. */
export const bytesOf = (batch: PackedBatch): string[] =>
  Array.from({ length: batch.count }, (_, at) => Buffer.from(messageAt(batch, at)).toString("hex"));

export function positionAt(topic: string, partition: number, appended: Appended, index: number): Position {
  return { topic, partition, epoch: appended.epoch, offset: appended.offsetAt(index) };
}

/** Of every event of a group's batch. */
export function positionsOf(given: GroupBatch): Position[] {
  return Array.from({ length: given.batch.count }, (_, at) => positionAt(given.topic, given.partition, given, at));
}

const READ_BYTES = 64 * 1024;

/** One event and where it is. */
export interface ReadEvent {
  readonly id: string;
  readonly key: string;
  readonly epoch: string;
  readonly offset: string;
  readonly appendedAt: bigint;
}

/** Reads until `count` events came; gives up only with the test's own time. */
export async function readEvents(reader: PartitionReader, count: number, maxBytes = READ_BYTES): Promise<ReadEvent[]> {
  const read: ReadEvent[] = [];
  while (read.length < count) {
    const batches = await reader.next(maxBytes);
    if (batches.length === 0) throw new Error(`The reader ended after ${read.length} of ${count} events.`);
    for (const stored of batches) {
      eventsOf(stored).forEach(({ id, key }, at) => {
        read.push({ id, key, epoch: stored.epoch, offset: stored.offsetAt(at), appendedAt: stored.appendedAt });
      });
    }
  }
  return read;
}

/** Every event that the partition has now, in log order. */
export async function logOf(broker: Broker, topic: string, partition = 0): Promise<Event[]> {
  const info = (await broker.admin.partitions(topic))[partition];
  const events: Event[] = [];
  if (info!.end === info!.start) return events;
  const reader = await broker.read(topic, partition, { at: "earliest" });
  for (let last = info!.start; broker.compareOffsets(last, info!.end) < 0; ) {
    const batches = await reader.next(READ_BYTES);
    if (batches.length === 0) throw new Error(`The reader of ${topic} was closed.`);
    for (const stored of batches) {
      events.push(...eventsOf(stored));
      last = stored.offsetAt(stored.batch.count - 1);
    }
  }
  await reader.close();
  return events;
}

/** One event in a member's hands. */
export interface TakenEvent {
  readonly id: string;
  readonly key: string;
  readonly attempt: number;
  readonly position: Position;
}

export const takenOf = (batches: readonly GroupBatch[]): TakenEvent[] =>
  batches.flatMap((given) =>
    eventsOf(given).map(({ id, key }, at) => ({
      ...{ id, key, attempt: given.attemptAt(at) },
      position: positionAt(given.topic, given.partition, given, at),
    })),
  );

/** Takes until `count` events are in the member's hands. */
export async function takeEvents(member: GroupMember, count: number): Promise<TakenEvent[]> {
  const taken: TakenEvent[] = [];
  while (taken.length < count) {
    const batches = await member.next(count - taken.length);
    if (batches.length === 0) throw new Error(`The member ended after ${taken.length} of ${count} events.`);
    taken.push(...takenOf(batches));
  }
  return taken;
}

/** The promise's value, or "waiting" when it has none after this time. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | "waiting"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"waiting">((resolve) => {
    timer = setTimeout(() => resolve("waiting"), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
