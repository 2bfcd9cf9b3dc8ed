/** Publishing as an upstream of its own would: over the service's WebSocket, in protobuf. */
import { type ConnectOptions, connect, type EventToPublish } from "@distribution/client";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { Publish } from "./publish.ts";

export interface ServicePublisher {
  readonly publish: Publish;
  /** What has no answer yet is rejected with `closed`. */
  close(): Promise<void>;
}

/** Begins to connect, and goes on until the service is there. Throws `misuse` on an address that is none. */
export function createServicePublisher(options: ConnectOptions): ServicePublisher {
  const client = connect(options);
  return {
    publish: (topic, events) => client.publish(topic, events.map(toPublish)),
    close: () => client.close(),
  };
}

/** What the world's events state; the service knows the class of their types. */
function toPublish({ id, source, type, subject, time, key, contentType, data, sequence }: Event): EventToPublish {
  return { id, source, type, subject, time, key, contentType, data, sequence };
}
