/**
 * Ingress: topics of the broker that other systems write to are a way in, beside gRPC and REST.
 *
 * A record is read, made an event, and published as if its writer had called: validated, deduplicated, routed, appended. What
 * cannot be read, or is refused for good, becomes a dead letter with its reason; what is refused for now is tried again, and
 * holds back its own partition only.
 *
 * The service's replicas share the partitions as one group of the broker. Who has a partition settles there what it begins,
 * publishes it, and settles that it has. So it is known what a crash may have left half done: whoever has the partition next
 * looks it up in the service's own log by source and id, and publishes what is not there. docs/brokers.md says what that hangs on.
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
  /**
   * Where reading goes on when the topic is not the one that was read: deleted and created again, restored, or cut back. Default
   * earliest, as what is read twice can be told by source and id, and what is never read is lost. Either way it is told.
   */
  readonly reset?: "earliest" | "latest";
}

/** Where ingress has come to, in the service's own log, for when the broker's group forgot it: durable cursors, by name. */
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
