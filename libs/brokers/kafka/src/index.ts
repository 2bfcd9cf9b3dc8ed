/** The Kafka broker: the Broker contract on a Kafka cluster, 3.1 or later. */
export { createKafkaBroker } from "./broker.ts";
export { KAFKA_CAPABILITIES } from "./capabilities.ts";
export type { Compression, KafkaBrokerOptions, RecordForm, SaslOptions } from "./options.ts";
