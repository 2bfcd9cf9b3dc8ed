/**
 * Durable cursors, as the log has them. A record that cannot be read is named in the log and passed over: only its own name
 * suffers, which goes on from its last record that can be read, or begins anew.
 */
import { z } from "zod";
import type { Broker, Position, StoredBatch } from "../brokers/contract.ts";
import { toDistributionError } from "../errors.ts";
import { decodeEvent, messageAt } from "../events/index.ts";
import type { Logger } from "../observability/index.ts";

export const CURSOR_TYPE = "distribution.cursor.v1";

export interface RestoredCursors {
  /** By name; undefined: forgotten. */
  readonly known: Map<string, readonly Position[] | undefined>;
  /** Of a name that is not known: it had a record that cannot be read, or may have had one. */
  readonly lost: (name: string) => boolean;
}

const READ_BYTES = 1024 * 1024;
/** Records that are named in the log one by one; of more only the number is. */
const MAX_NAMED = 100;

const positionsSchema = z.array(
  z.object({ topic: z.string(), partition: z.int().nonnegative(), epoch: z.string(), offset: z.string() }),
);

export async function restoreCursors(broker: Broker, topic: string, logger: Logger): Promise<RestoredCursors> {
  const known: RestoredCursors["known"] = new Map();
  const damaged = new Set<string>();
  let passed = 0;

  const passOver = (offset: string, name: string, why: string): void => {
    passed += 1;
    if (passed > MAX_NAMED) return;
    const message = "A record of the cursors was passed over; its name goes on from the one before it, or begins anew.";
    logger.error({ topic, partition: 0, offset, name, why }, message);
  };
  const take = (stored: StoredBatch, index: number): void => {
    const offset = stored.offsetAt(index);
    let name = "";
    try {
      const { key, type, data } = decodeEvent(messageAt(stored.batch, index));
      if (type !== CURSOR_TYPE) {
        passOver(offset, key, `It is of type ${type}, and no cursor.`);
        return;
      }
      name = key;
      known.set(name, data && positionsIn(data, broker));
    } catch (failure) {
      damaged.add(name);
      // Used again after it was forgotten.
      if (!known.get(name)) known.delete(name);
      passOver(offset, name, messageOf(failure));
    }
  };

  const whole = await readAll(broker, topic, take).catch((failure: unknown) => {
    if (toDistributionError(failure).code !== "record_damaged") throw failure;
    const message = "Cursors behind a damaged record are not known; truncate the log to its end to give them up.";
    logger.error({ topic, partition: 0, err: failure }, message);
    return false;
  });
  if (passed > MAX_NAMED) logger.error({ topic, partition: 0, records: passed }, "So many records were passed over.");
  return { known, lost: (name) => !known.has(name) && (!whole || damaged.has(name)) };
}

/** Resolves with true at the end of the log. */
async function readAll(
  broker: Broker,
  topic: string,
  take: (stored: StoredBatch, index: number) => void,
): Promise<boolean> {
  const [info] = await broker.admin.partitions(topic);
  if (!info || broker.compareOffsets(info.start, info.end) === 0) return true;
  const reader = await broker.read(topic, 0, { at: "earliest" });
  try {
    for (let last = info.start; broker.compareOffsets(last, info.end) < 0; ) {
      for (const stored of await reader.next(READ_BYTES)) {
        const { count } = stored.batch;
        for (let index = 0; index < count; index += 1) take(stored, index);
        last = stored.offsetAt(count - 1);
      }
    }
    return true;
  } finally {
    await reader.close();
  }
}

/** Throws on what is no list of positions of this broker. */
function positionsIn(data: Uint8Array, broker: Broker): readonly Position[] {
  const positions = positionsSchema.parse(JSON.parse(Buffer.from(data).toString("utf8")));
  for (const { offset } of positions) broker.compareOffsets(offset, offset);
  return positions;
}

function messageOf(failure: unknown): string {
  if (failure instanceof z.ZodError) return z.prettifyError(failure).replaceAll(/\s+/g, " ");
  return failure instanceof Error ? failure.message : String(failure);
}
