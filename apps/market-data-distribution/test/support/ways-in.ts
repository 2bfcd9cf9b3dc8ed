/** Every way to publish, as one function each: an event, given as CloudEvents fields, to positions or the error's code. */
import { Event, EventBatch, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { until } from "@distribution/testkit/service";
import type { ServiceError } from "@grpc/grpc-js";
import { publishOverGrpc } from "./publisher.ts";
import { type Published, publishBody, publishEvents, publishJson, publishJsonBatch, Refused } from "./rest.ts";
import type { Ports } from "./service.ts";
import { grpcClient } from "./stream/grpc.ts";
import { websocket } from "./stream/websocket.ts";
import { TRADES, type tradeCloudEvent } from "./trades.ts";

type CloudEvent = ReturnType<typeof tradeCloudEvent>;

export interface WayIn {
  readonly name: string;
  /** Throws a PublishRefused. */
  publish(ports: Ports, events: readonly CloudEvent[]): Promise<Published>;
}

/** With the code of the closed list, by whatever means the wire says it. */
export class PublishRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** One request an event, for ways that carry only one. */
function oneByOne(send: (ports: Ports, event: CloudEvent) => Promise<Published>): WayIn["publish"] {
  return async (ports, events) => {
    const answers: Published[] = [];
    for (const event of events) answers.push(await send(ports, event).catch(toRefusal));
    return {
      positions: answers.flatMap(({ positions }) => positions),
      duplicates: answers.reduce((sum, { duplicates }) => sum + duplicates, 0),
    };
  };
}

export const WAYS_IN: readonly WayIn[] = [
  {
    name: "REST, structured",
    publish: oneByOne((ports, event) => publishJson(ports, TRADES, event)),
  },
  {
    name: "REST, batched",
    publish: (ports, events) => publishJsonBatch(ports, TRADES, events).catch(toRefusal),
  },
  {
    name: "REST, binary",
    publish: oneByOne((ports, { data, datacontenttype, ...attributes }) => {
      const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]);
      return publishBody(ports, TRADES, String(datacontenttype), JSON.stringify(data), Object.fromEntries(headers));
    }),
  },
  {
    name: "REST, protobuf",
    publish: (ports, events) => publishEvents(ports, TRADES, events.map(eventOf)).catch(toRefusal),
  },
  {
    name: "gRPC, unary",
    publish: (ports, events) => publishOverGrpc(ports, TRADES, events.map(eventOf)).catch(toRefusal),
  },
  { name: "gRPC, streaming", publish: (ports, events) => overGrpcStream(ports, events).catch(toRefusal) },
  { name: "WebSocket, JSON", publish: (ports, events) => overSession(ports, "json", events) },
  { name: "WebSocket, protobuf", publish: (ports, events) => overSession(ports, "proto", events) },
];

function eventOf({ id, source, type, subject, partitionkey, sequence, datacontenttype, data }: CloudEvent): Event {
  const texts = { id, source, type, subject, key: partitionkey, contentType: datacontenttype };
  return Event.create({
    ...(texts as Record<string, string>),
    sequence: BigInt((sequence as string | undefined) ?? 0),
    class: EventClass.TRADE,
    data: Buffer.from(JSON.stringify(data)),
  });
}

/** One message of the stream an event. */
async function overGrpcStream(ports: Ports, events: readonly CloudEvent[]): Promise<Published> {
  const client = grpcClient(ports);
  try {
    return await new Promise<Published>((resolve, reject) => {
      const call = client.publishStream((failure, answer) => {
        if (failure) reject(failure);
        else resolve({ positions: [], duplicates: 0, ...answer.published });
      });
      for (const event of events) call.write({ topic: TRADES, batch: EventBatch.create({ events: [eventOf(event)] }) });
      call.end();
    });
  } finally {
    client.close();
  }
}

/** A frame of JSON events on either format: the client turns it into protobuf where the format is. */
async function overSession(ports: Ports, format: "json" | "proto", events: readonly CloudEvent[]) {
  const client = await websocket(format).connect(ports);
  client.send({ ref: "p", publish: { topic: TRADES, events } });
  const { kind, value } = await until("the publish is answered", () => client.frames.find(({ ref }) => ref === "p"));
  client.vanish();
  if (kind === "error") throw new PublishRefused(String(value["code"]), String(value["message"]));
  return { duplicates: 0, ...value } as unknown as Published;
}

function toRefusal(failure: Error): never {
  if (failure instanceof Refused) throw new PublishRefused(failure.code, failure.message);
  const code = (failure as ServiceError).metadata?.get("distribution-code")[0];
  if (code === undefined) throw failure;
  throw new PublishRefused(String(code), failure.message);
}
