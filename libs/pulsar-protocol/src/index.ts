/** A client of Apache Pulsar's binary protocol: see contract.ts for what it does. */
export { connectPulsar } from "./client.ts";
export type * from "./contract.ts";
export { PULSAR_ERRORS, PulsarError, type PulsarErrorCode } from "./errors.ts";
export {
  compareMessageIds,
  EARLIEST,
  formatMessageId,
  LATEST,
  parseMessageId,
} from "./message-id.ts";
