/** CloudEvents 1.0: structured and batched JSON, and HTTP binary mode. attributes.ts has the table of names. */
export { fromHttpBinary, type HttpBinary, type HttpHeaders, toHttpBinary } from "./http.ts";
export { cloudEventToEvent, parseCloudEvent, parseCloudEventBatch } from "./reader.ts";
export { formatTime, parseTime } from "./time.ts";
export {
  type CloudEventOptions,
  type CloudEventWriter,
  createCloudEventWriter,
  eventsToCloudEventBatch,
  eventToCloudEvent,
} from "./writer.ts";
