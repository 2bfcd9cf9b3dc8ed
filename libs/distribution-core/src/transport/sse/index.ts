export { createEventStreams, type EventStreamOptions, type EventStreams } from "./attach.ts";
