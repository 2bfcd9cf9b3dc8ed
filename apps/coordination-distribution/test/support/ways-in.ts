/** Ways to publish, as one function each: resolves when the events are durable, rejects with a WayRefused. */
import { connect, DistributionClientError } from "@distribution/client";
import { DistributionClient } from "@distribution/proto-types/distribution/v1/distribution";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { protoEvent, type TestEvent } from "./events.ts";
import { publish, publishEvents, Refused } from "./rest.ts";
import type { Ports } from "./service.ts";

/** With the code of the closed list and what it says, by whatever means the wire says it. */
export class WayRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface WayIn {
  readonly name: string;
  publish(ports: Ports, events: readonly TestEvent[]): Promise<unknown>;
}

export const urlOf = (ports: Ports): string => `http://127.0.0.1:${ports.public}`;

export const WAYS_IN: readonly WayIn[] = [
  { name: "REST, JSON", publish: (ports, events) => publish(ports, ...events).catch(refused) },
  {
    name: "REST, protobuf",
    publish: (ports, events) => publishEvents(ports, events[0]!.topic, events.map(protoEvent)).catch(refused),
  },
  { name: "WebSocket", publish: (ports, events) => overWebSocket(ports, events).catch(refused) },
  { name: "gRPC", publish: (ports, events) => overGrpc(ports, events).catch(refused) },
];

async function overWebSocket(ports: Ports, events: readonly TestEvent[]): Promise<unknown> {
  await using client = connect({ url: urlOf(ports) });
  const all = events.map(protoEvent).map(({ id, source, type, key, contentType, data }) => ({
    ...{ id, source, type, key, contentType },
    data: data!,
  }));
  return await client.publish(events[0]!.topic, all);
}

async function overGrpc(ports: Ports, events: readonly TestEvent[]): Promise<unknown> {
  const client = new DistributionClient(`127.0.0.1:${ports.grpc}`, credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) => {
      client.publish({ topic: events[0]!.topic, batch: { events: events.map(protoEvent) } }, (failure, answer) => {
        if (failure) reject(failure);
        else resolve(answer);
      });
    });
  } finally {
    client.close();
  }
}

function refused(failure: unknown): never {
  if (failure instanceof Refused) throw new WayRefused(failure.problem.code, JSON.stringify(failure.problem));
  if (failure instanceof DistributionClientError) {
    throw new WayRefused(failure.code, `${failure.message} ${JSON.stringify(failure.errors)}`);
  }
  const { metadata, message } = failure as ServiceError;
  const [code] = metadata?.get("distribution-code") ?? [];
  if (code === undefined) throw failure;
  throw new WayRefused(String(code), `${message} ${metadata.get("distribution-errors-bin").join("")}`);
}
