/**
 * The hot frames: `events` and `snapshot`, written straight from stored bytes, once for all sessions of an interest class.
 * transport/frames encodes the same messages the general way and is the oracle of this writer's tests.
 */
import { TransitMap } from "@distribution/collections";
import type { Position, StoredBatch } from "../brokers/contract.ts";
import {
  type CloudEventWriter,
  createCloudEventWriter,
  createPayloadCodec,
  decodeEvent,
  encodeEvent,
  type PayloadCodec,
  payloadKind,
} from "../events/index.ts";
import type { EventList, EventsEncoder, EventsHeader, Interest, SnapshotHeader } from "../subscriptions/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { EncodedFrame } from "./contract.ts";
import { encodedFrame } from "./frames/index.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** Field numbers of distribution.v1.ServerFrame, Events and Snapshot, as tags: number << 3 | wire type. */
const TAG = {
  frame: { events: (4 << 3) | 2, snapshot: (5 << 3) | 2 },
  events: {
    channel: 2 << 3,
    topic: (3 << 3) | 2,
    partition: 4 << 3,
    epoch: (5 << 3) | 2,
    after: (6 << 3) | 2,
    upto: (7 << 3) | 2,
    offsets: (8 << 3) | 2,
    token: (9 << 3) | 2,
    attempt: 10 << 3,
  },
  snapshot: { event: (1 << 3) | 2, channel: 2 << 3, positions: (3 << 3) | 2, complete: 4 << 3, token: (5 << 3) | 2 },
  position: { topic: (1 << 3) | 2, partition: 2 << 3, epoch: (3 << 3) | 2, offset: (4 << 3) | 2 },
} as const;

const EVENT_TAG = TAG.snapshot.event;

/** What a topic's payloads are written with. */
interface TopicWriters {
  readonly codec: PayloadCodec | undefined;
  readonly json: CloudEventWriter;
}

export interface WireEventsEncoder extends EventsEncoder {
  /** Forgets the JSON texts of events that were kept for the classes of this turn. */
  endTurn(): void;
}

export function createEventsEncoder(topics: readonly TopicDefinition[]): WireEventsEncoder {
  const writers = new Map<string, TopicWriters>();
  const rawJson = createCloudEventWriter();
  const out = new ProtoWriter();
  /** Classes of one turn share the text of an event. */
  const texts = new TransitMap<StoredBatch, string[]>();
  for (const { name, message } of topics) {
    const codec = message && createPayloadCodec(message);
    writers.set(name, { codec, json: createCloudEventWriter({ codec, trusted: message !== undefined }) });
  }

  /**
   * The message of one event in the interest's form; undefined: as it is stored. So goes a payload that does not fit the
   * topic's message (any more), as one event must never keep the others from being sent.
   */
  const formed = (interest: Interest, topic: string, stored: StoredBatch, index: number): Uint8Array | undefined => {
    const { projection, payload } = interest;
    const codec = writers.get(topic)?.codec;
    if (!codec || (projection.length === 0 && payload === "original")) return undefined;
    const event = decodeEvent(messageOf(stored, index));
    if (event.data === undefined) return undefined;
    try {
      if (projection.length > 0) event.data = Buffer.from(codec.project(event.data, event.contentType, projection));
      if (payload === "json" && payloadKind(event.contentType) === "protobuf") {
        event.data = Buffer.from(codec.toJson(event.data), "utf8");
        event.contentType = "application/json";
      }
    } catch {
      return undefined;
    }
    return encodeEvent(event);
  };

  const jsonOf = (interest: Interest, topic: string, stored: StoredBatch, index: number): string => {
    const { projection, payload } = interest;
    if (projection.length > 0) {
      const message = formed(interest, topic, stored, index) ?? messageOf(stored, index);
      return (payload === "json" ? writers.get(topic)!.json : rawJson).write(message, 0, message.length);
    }
    const { bytes, bounds } = stored.batch;
    if (payload === "original") return rawJson.write(bytes, bounds[2 * index]!, bounds[2 * index + 1]!);
    let list = texts.get(stored);
    if (!list) {
      list = [];
      texts.set(stored, list);
    }
    list[index] ??= writers.get(topic)!.json.write(bytes, bounds[2 * index]!, bounds[2 * index + 1]!);
    return list[index]!;
  };

  const jsonList = (interest: Interest, topic: string, list: EventList): string => {
    let text = "";
    for (let at = 0; at < list.count; at += 1) {
      if (at > 0) text += ",";
      text += jsonOf(interest, topic, list.stored[at]!, list.index[at]!);
    }
    return text;
  };

  const eventsJson = (interest: Interest, header: EventsHeader, list: EventList): Buffer => {
    const { channel, topic, partition, epoch, after, upto, token, attempt } = header;
    let offsets = "";
    for (let at = 0; at < list.count; at += 1) offsets += `${at > 0 ? "," : ""}${JSON.stringify(list.offsetAt(at))}`;
    let text = `{"events":{"channel":${channel},"topic":${JSON.stringify(topic)},"partition":${partition}`;
    text += `,"epoch":${JSON.stringify(epoch)},"after":${JSON.stringify(after)},"upto":${JSON.stringify(upto)}`;
    text += `,"offsets":[${offsets}],"events":[${jsonList(interest, topic, list)}]`;
    if (token !== "") text += `,"token":"${token}"`;
    if (attempt > 1) text += `,"attempt":${attempt}`;
    return Buffer.from(`${text}}}`);
  };

  /** Neighbours in a batch are copied in one go, tags and lengths included: Events.events is EventBatch.events. */
  const writeEvents = (interest: Interest, topic: string, list: EventList): void => {
    const verbatim = interest.projection.length === 0 && interest.payload === "original";
    for (let at = 0; at < list.count; ) {
      const stored = list.stored[at]!;
      const index = list.index[at]!;
      if (!verbatim) {
        out.bytes(EVENT_TAG, formed(interest, topic, stored, index) ?? messageOf(stored, index));
        at += 1;
        continue;
      }
      let last = index;
      at += 1;
      while (at < list.count && list.stored[at] === stored && list.index[at] === last + 1) {
        last += 1;
        at += 1;
      }
      const { bytes, bounds } = stored.batch;
      out.raw(bytes, index === 0 ? 0 : bounds[2 * index - 1]!, bounds[2 * last + 1]!);
    }
  };

  const eventsProto = (interest: Interest, header: EventsHeader, list: EventList): Buffer => {
    out.begin(TAG.frame.events);
    writeEvents(interest, header.topic, list);
    out.number(TAG.events.channel, header.channel);
    out.text(TAG.events.topic, header.topic);
    out.number(TAG.events.partition, header.partition);
    out.text(TAG.events.epoch, header.epoch);
    out.text(TAG.events.after, header.after);
    out.text(TAG.events.upto, header.upto);
    for (let at = 0; at < list.count; at += 1) out.text(TAG.events.offsets, list.offsetAt(at), true);
    out.text(TAG.events.token, header.token);
    if (header.attempt > 1) out.number(TAG.events.attempt, header.attempt);
    return out.finish();
  };

  const snapshotProto = (interest: Interest, topic: string, header: SnapshotHeader, list: EventList): Buffer => {
    out.begin(TAG.frame.snapshot);
    writeEvents(interest, topic, list);
    out.number(TAG.snapshot.channel, header.channel);
    for (const position of header.positions) out.bytes(TAG.snapshot.positions, positionBytes(position));
    out.number(TAG.snapshot.complete, header.complete ? 1 : 0);
    out.text(TAG.snapshot.token, header.token);
    return out.finish();
  };

  const snapshotJson = (interest: Interest, topic: string, header: SnapshotHeader, list: EventList): Buffer => {
    const { channel, positions, complete, token } = header;
    let text = `{"snapshot":{"channel":${channel},"positions":${JSON.stringify(positions)}`;
    text += `,"complete":${complete},"events":[${jsonList(interest, topic, list)}]`;
    if (token !== "") text += `,"token":"${token}"`;
    return Buffer.from(`${text}}}`);
  };

  return {
    events(interest, header, list): EncodedFrame {
      const encode = interest.frames === "json" ? eventsJson : eventsProto;
      return encodedFrame(encode(interest, header, list), header.token);
    },
    snapshot(interest, topic, header, list): EncodedFrame {
      const encode = interest.frames === "json" ? snapshotJson : snapshotProto;
      return encodedFrame(encode(interest, topic, header, list), header.token);
    },
    endTurn: () => texts.clear(),
  };
}

function messageOf({ batch }: StoredBatch, index: number): Uint8Array {
  return batch.bytes.subarray(batch.bounds[2 * index], batch.bounds[2 * index + 1]);
}

function positionBytes({ topic, partition, epoch, offset }: Position): Buffer {
  const out = new ProtoWriter();
  out.begin(0);
  out.text(TAG.position.topic, topic);
  out.number(TAG.position.partition, partition);
  out.text(TAG.position.epoch, epoch);
  out.text(TAG.position.offset, offset);
  return out.finish();
}
