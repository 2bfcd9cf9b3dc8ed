/** Topics that other systems write to, as a way in. */
export type { IngressTopic, PlainRecords, RecordMapping, RecordPlace } from "./contract.ts";
export { deadLettersTopic } from "./dead-letters.ts";
export { createIngress, type Ingress } from "./ingress.ts";
export { plainRecords } from "./plain-records.ts";
