/**
 * Ingress: topics of the broker that other systems write to are a way in, beside gRPC and REST.
 *
 * A record is read, made an event, and published as if its writer had called: validated, deduplicated, routed, appended. What
 * cannot be read, or is refused for good, becomes a dead letter with its reason; what is refused for now is tried again, and
 * holds back its own partition only. Where each partition has come to is a durable cursor, written after the events are: after
 * a crash the last second or so is read again, and ingest knows those events by source and id.
 */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { ForeignRecord, Position } from "../brokers/contract.ts";

/** Where a record lies, for ids and messages. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
}

/** Makes an event of a record. Throws `invalid_event`, or any error, when it is none: its message becomes the reason. */
export type RecordMapping = (record: ForeignRecord, place: RecordPlace) => Event;

export interface IngressTopic {
  /** As its writers call it; any name that the broker takes. */
  readonly from: string;
  /** The topic that its events go to, unless a route sends them elsewhere. */
  readonly into: string;
  /** "events": CloudEvents (binary or structured), or records as the broker's own are. Otherwise what makes events of them. */
  readonly form: "events" | RecordMapping;
  /** Where reading begins the first time. Default earliest. */
  readonly start?: "earliest" | "latest";
}

/** Where ingress has come to: durable cursors, by name. */
export interface IngressProgress {
  load(name: string): readonly Position[] | undefined;
  save(name: string, positions: readonly Position[]): void;
  flush(): Promise<void>;
}

/** How plain records (JSON, or protobuf of a message) become events. Paths name members of the payload, joined by dots. */
export interface PlainRecords {
  /** Of every event. */
  readonly type: string;
  readonly source: string;
  readonly contentType: "application/json" | "application/protobuf";
  /** Of the payload; needed for paths into protobuf. */
  readonly message?: DescMessage;
  /** Path of the event's id. Absent: topic, partition, epoch and offset, which are the same whenever the record is read. */
  readonly id?: string;
  /** Path of the event's key. Absent: the record's key, as UTF-8. */
  readonly key?: string;
}
