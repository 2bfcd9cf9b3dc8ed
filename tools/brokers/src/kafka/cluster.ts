/** Several Kafka brokers on loopback that keep copies of each other's logs: what one of them took outlives its end. */
import { freePorts } from "../process/ports.ts";
import type { Properties } from "../process/properties.ts";
import { type Kafka, prepareKafka, startKafka } from "./kafka.ts";

export interface KafkaCluster extends AsyncDisposable {
  /** "127.0.0.1:<port>" of each, for clients. */
  readonly bootstrap: readonly string[];
  /** Each to be stopped, killed, held by itself. The broker at index i has the node id i + 1. */
  readonly brokers: readonly Kafka[];
  /** SIGKILL to all, and their folders are deleted. */
  remove(): Promise<void>;
}

/**
 * Topics have a copy on each broker, and take what all but one of them have. So many controllers as brokers: with half of
 * them away or more, nothing is decided. @throws BrokerFailure as `startKafka` does.
 */
export async function startKafkaCluster(count: number, further: Properties = {}): Promise<KafkaCluster> {
  await prepareKafka();
  const controllers = await freePorts(count);
  const properties: Properties = {
    "controller.quorum.voters": controllers.map((port, at) => `${at + 1}@127.0.0.1:${port}`).join(","),
    "default.replication.factor": count,
    "min.insync.replicas": Math.max(1, count - 1),
    "offsets.topic.replication.factor": count,
    ...further,
  };
  const started = await Promise.allSettled(
    controllers.map((controller, at) =>
      startKafka({ properties: { ...properties, "node.id": at + 1 } }, { id: at + 1, controller }),
    ),
  );
  const brokers = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const remove = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.remove()));
  };
  const failed = started.find((one) => one.status === "rejected");
  if (failed) {
    await remove();
    throw failed.reason;
  }
  return { bootstrap: brokers.map(({ bootstrap }) => bootstrap), brokers, remove, [Symbol.asyncDispose]: remove };
}
