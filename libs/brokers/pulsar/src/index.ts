/** The Broker contract on Apache Pulsar. */
export { createPulsarBroker } from "./broker.ts";
export { PULSAR_CAPABILITIES } from "./capabilities.ts";
export type { PulsarBrokerOptions, TlsOptions, Token } from "./options.ts";
