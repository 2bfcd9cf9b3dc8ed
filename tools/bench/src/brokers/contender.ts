/** What can be measured of a client of a production broker: ours, and the bare clients that it stands on. */
import type { PackedBatch } from "@distribution/core/events";

export type Engine = "kafka" | "pulsar";

export interface Where {
  readonly engine: Engine;
  /** Kafka: `host:port`. Pulsar: `pulsar://host:port`. */
  readonly url: string;
  /** Pulsar's. */
  readonly adminUrl: string;
}

/** What is measured, by the name in the table. */
export const SUBJECTS = {
  packed: "ours, packed",
  unpacked: "ours, an event a record",
  platformatic: "bare @platformatic/kafka",
  kafkajs: "bare kafkajs",
  pulsarProtocol: "bare pulsar-protocol",
} as const;

export type Subject = (typeof SUBJECTS)[keyof typeof SUBJECTS];

export interface Contender {
  /** Makes the topic, of one partition. */
  ensure(topic: string): Promise<void>;
  /** Resolves when all events of the batch are stored. */
  append(topic: string, batch: PackedBatch): Promise<unknown>;
  /** Reads from there on until `take` says that it has enough; a first `take(0)` tells that the reader knows where it begins. */
  read(topic: string, from: "earliest" | "latest", take: (events: number) => boolean): Promise<void>;
  /** Takes from a group and settles, until `take` says that it has enough. Absent: it has none. */
  work?(topic: string, take: (events: number) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** What the measured process can be asked to do. */
export type Task =
  | { readonly do: "append"; readonly events: number; readonly batch: number }
  | { readonly do: "read" | "work"; readonly events: number }
  | {
      readonly do: "latency";
      readonly perSecond: number;
      readonly seconds: number;
      /** Beside another client: events begin at the one and nothing else is done before the other, Unix time, ms. */
      readonly within?: readonly [from: number, to: number];
    };

export type Request = Task & { readonly topic: string };

export interface Measured {
  readonly events: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of `latency`: milliseconds from the call of `append` to the reader, ascending. */
  readonly latencies: readonly number[];
}

export const EVENT_BYTES = 200;

/** Packed events of exactly `EVENT_BYTES`, one key. */
export function packedBatch(events: number): PackedBatch {
  const key = Buffer.from("XBTUSD");
  const envelope = [
    ...[0x0a, 2, 0x65, 0x31, 0x12, 2, 0x2f, 0x73, 0x1a, 4, ...Buffer.from("t.v1")],
    ...[0x32, key.length, ...key],
  ];
  const data = EVENT_BYTES - envelope.length - 3;
  const message = Buffer.alloc(EVENT_BYTES, 0x78);
  message.set([...envelope, 0x4a, (data & 0x7f) | 0x80, data >> 7]);
  const framed = Buffer.concat([Buffer.of(0x0a, 0xc8, 0x01), message]);
  const bytes = Buffer.concat(Array.from({ length: events }, () => framed));
  const bounds = new Uint32Array(2 * events);
  for (let event = 0; event < events; event += 1) {
    bounds[2 * event] = event * framed.length + 3;
    bounds[2 * event + 1] = (event + 1) * framed.length;
  }
  return { bytes, count: events, bounds };
}
