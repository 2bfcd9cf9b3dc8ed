/** The Broker contract on Apache Pulsar. */
export { createPulsarBroker } from "./broker.ts";
export type { PulsarBrokerOptions, TlsOptions, Token } from "./options.ts";
