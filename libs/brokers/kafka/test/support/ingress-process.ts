/**
 * A service in a process of its own that takes `from` in, and never comes to settle what it has published: it is killed at the one
 * place where its log and its progress differ. Arguments: bootstrap, from.
 */
import { createKafkaBroker } from "@distribution/broker-kafka";
import type { ForeignTopics } from "@distribution/core/brokers";
import { startIngress } from "./ingress-service.ts";

const [bootstrap = "", from = ""] = process.argv.slice(2);
const broker = await createKafkaBroker({ brokers: [bootstrap], sessionTimeoutMs: 1_000 });
const real = broker.foreign!;
const foreign: ForeignTopics = {
  partitions: (topic) => real.partitions(topic),
  read: (topic, partition, at) => real.read(topic, partition, at),
  join: (group) =>
    real.join({
      ...group,
      own: (partition) =>
        group.own({
          ...partition,
          settle: (progress) =>
            progress.note === "" && progress.offset !== "-1"
              ? new Promise(() => undefined)
              : partition.settle(progress),
        }),
    }),
};
await startIngress({ ...broker, foreign }, { from });
