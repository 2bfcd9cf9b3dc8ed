/** Real brokers on this machine, for development and tests, and a proxy that does to their connections what networks do. */
export { type BrokerState, readState } from "./command/state.ts";
export { createFaultProxy, type FaultProxy, type FaultProxyOptions } from "./fault-proxy.ts";
export { type KafkaCluster, startKafkaCluster } from "./kafka/cluster.ts";
export { type Kafka, type KafkaOptions, prepareKafka, startKafka } from "./kafka/kafka.ts";
export type { Controls } from "./process/controls.ts";
export { BrokerFailure } from "./process/failure.ts";
export { freePorts } from "./process/ports.ts";
export { PRODUCTION } from "./production.ts";
export { type Pulsar, type PulsarOptions, preparePulsar, startPulsar } from "./pulsar/pulsar.ts";
export { type Python, preparePython } from "./python.ts";
export { createSmallDisk, type SmallDisk } from "./small-disk.ts";
