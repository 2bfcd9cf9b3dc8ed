/** Where a projection without a past begins to read a partition, and since when it then knows everything. */
import type { Broker, Position } from "../brokers/contract.ts";
import type { Runtime } from "../runtime/index.ts";
import type { TopicDefinition } from "../topics.ts";

export interface Beginning {
  /** Before the first event that is read. */
  readonly position: Position;
  /** Events were there before it, or may have been. */
  readonly cut: boolean;
  /** Since when nothing is missing: the first event's append time, the bound of the rebuild, or now. Unix nanoseconds. */
  readonly since: bigint;
}

export interface BeginningOptions {
  readonly broker: Pick<Broker, "read" | "admin">;
  readonly runtime: Pick<Runtime, "clock">;
  /** Nothing older than this is read. Milliseconds; absent: all that the log has. */
  readonly rebuildMs?: number | undefined;
}

export async function findBeginning(
  { broker, runtime, rebuildMs }: BeginningOptions,
  { name, retention }: TopicDefinition,
  partition: number,
): Promise<Beginning> {
  const now = runtime.clock.wallNs();
  const bound = rebuildMs === undefined ? undefined : now - BigInt(Math.round(rebuildMs)) * 1_000_000n;
  const info = (await broker.admin.partitions(name))[partition]!;
  const reader = await broker.read(name, partition, bound === undefined ? { at: "earliest" } : { time: bound });
  try {
    const { start } = reader;
    const position = { topic: name, partition, ...start };
    const oldest = start.epoch === info.epoch && start.offset === info.start;
    if (!oldest && bound !== undefined) return { position, cut: true, since: bound };
    const keepsAll = retention.ms === undefined && retention.bytes === undefined;
    const cut = !oldest || !(info.whole ?? keepsAll);
    const first = start.offset === info.end ? undefined : (await reader.next(1))[0];
    return { position, cut, since: first?.appendedAt ?? now };
  } finally {
    await reader.close();
  }
}
