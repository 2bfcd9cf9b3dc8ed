/** The readers of this process. */
import type { PartitionReader, ReadFrom } from "@distribution/core/brokers";
import { DistributionError, fieldError } from "@distribution/core/errors";
import { openAt, type ReadParts } from "./opening.ts";
import { createReader, type TailReader } from "./reader.ts";

export interface Readers {
  open(topic: string, partition: number, from: ReadFrom): Promise<PartitionReader>;
  /** Ends the readers of a topic that is gone, or is another one by now. */
  forget(topic: string, isReplaced: boolean): void;
  close(): Promise<void>;
}

export function createReaders(parts: ReadParts): Readers {
  const open = new Map<TailReader, string>();
  let closed = false;
  return {
    async open(topic, partition, from) {
      const opening = await openAt(parts, topic, partition, from);
      if (closed) {
        await opening.reader.close();
        throw new DistributionError("unavailable", "The broker is closed. Open it again.");
      }
      const reader = createReader(parts, opening, (ended) => open.delete(ended));
      open.set(reader, topic);
      return reader;
    },
    forget(topic, isReplaced) {
      const reason = isReplaced
        ? new DistributionError("position_gone", `${topic} was deleted and created again. Read from earliest.`)
        : fieldError("unknown_topic", "topic", `${topic} was deleted`);
      for (const [reader, of] of open) if (of === topic) reader.fail(reason);
    },
    async close() {
      closed = true;
      await Promise.all([...open.keys()].map((reader) => reader.close()));
    },
  };
}
