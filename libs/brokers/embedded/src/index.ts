/** The embedded broker: the Broker contract on LMDB, for one process and one machine. */
export { createEmbeddedBroker } from "./broker.ts";
export { EMBEDDED_CAPABILITIES } from "./capabilities.ts";
export { embedded } from "./choice.ts";
export type { EmbeddedBrokerOptions } from "./options.ts";
