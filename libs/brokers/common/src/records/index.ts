/** Events to records of a foreign log and back, byte for byte. */
export { EventRun, type LyingRecord } from "./event-run.ts";
export { fromRecord } from "./from-record.ts";
export {
  type Binding,
  CONTENT_TYPE,
  COUNT_HEADER,
  type HeaderValue,
  type IncomingRecord,
  KAFKA_BINDING,
  NoEventError,
  type OutgoingRecord,
  PACKED_TYPE,
  PULSAR_BINDING,
  type RecordForm,
} from "./record.ts";
export { toRecords } from "./to-records.ts";
