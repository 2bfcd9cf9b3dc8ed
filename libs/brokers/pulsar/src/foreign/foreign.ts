/** The face of topics that others own. */
import type { ForeignReader, ForeignTopics } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import type { Rest } from "../admin/rest.ts";
import type { Settings } from "../options.ts";
import type { PulsarPort } from "../port.ts";
import { createForeignGroups } from "./groups.ts";
import { openForeignReader } from "./reader.ts";
import { createForeignTopicsAdmin } from "./topics.ts";

export interface PulsarForeignTopics extends ForeignTopics {
  /** Groups first: who has a partition finishes with it. */
  close(): Promise<void>;
}

export interface ForeignOptions {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly rest: Rest;
}

export function createForeignTopics({ settings, port, rest }: ForeignOptions): PulsarForeignTopics {
  const admin = createForeignTopicsAdmin(settings, rest);
  const groups = createForeignGroups({ settings, port, rest, admin });
  const readers = new Set<ForeignReader>();
  let closed = false;
  return {
    partitions: async (topic) => (await admin.logs(topic)).length,
    async read(topic, partition, from) {
      const log = await admin.log(topic, partition);
      const reader = await openForeignReader({ settings, port, admin }, log, from, (one) => readers.delete(one));
      readers.add(reader);
      if (!closed) return reader;
      await reader.close();
      throw new DistributionError("unavailable", "The broker is closed. Open it again.");
    },
    join: (group) => groups.join(group),
    async close() {
      await groups.close();
      closed = true;
      await Promise.all([...readers].map((reader) => reader.close()));
    },
  };
}
