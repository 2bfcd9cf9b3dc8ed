/** Systems in another language and our broker on the same topics, both ways: what is written by one is what the other reads. */
import type { Broker } from "@distribution/core/brokers";
import { decodeEvent, messageAt, packEvents, walkBatch } from "@distribution/core/events";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, test } from "vitest";
import { logOf } from "./support.ts";

/** As the foreign client writes it. The value is base64. */
export interface ForeignWrite {
  readonly key?: string;
  readonly value: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** As the foreign client read it. */
export interface ForeignRead {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface InteropOptions<Compression extends string> {
  readonly compressions: readonly Compression[];
  /** Before the names of CloudEvents attributes. */
  readonly prefix: string;
  open(options: { readonly compression?: Compression; readonly recordsOf?: () => "cloudevents" }): Promise<Broker>;
  /** In batches where the client has them. Rejects when one of them was not taken. */
  write(topic: string, records: readonly ForeignWrite[], compression: Compression): Promise<void>;
  /** The oldest of partition 0. */
  read(topic: string, count: number): Promise<readonly ForeignRead[]>;
}

const eventOf = (number: number): Event =>
  Event.create({
    ...{ id: `e${number}`, source: "/oms/zürich", type: "execution.fill.v1", key: `k${number % 3}` },
    ...{ class: EventClass.TRADE, time: 1_700_000_000_123_456_789n, sequence: 9_007_199_254_740_993n },
    ...{ contentType: "application/json", data: Buffer.from(`{"price":"${number}.25","note":"größer"}`) },
    extensions: { desk: { value: { $case: "text", value: "Zürich ⚖" } } },
  });

const base64 = (text: string): string => Buffer.from(text).toString("base64");

export function describeInterop<Compression extends string>(options: InteropOptions<Compression>): void {
  const { prefix } = options;
  const run = Math.random().toString(36).slice(2, 8);
  let topics = 0;

  const using = async (
    settings: Parameters<typeof options.open>[0],
    use: (broker: Broker, topic: string) => Promise<void>,
  ): Promise<void> => {
    const broker = await options.open(settings);
    try {
      topics += 1;
      const name = `interop.t-${run}-${topics}`;
      await broker.admin.ensureTopic({ name, partitions: 1, retention: {}, compaction: false });
      await use(broker, name);
    } finally {
      await broker.close();
    }
  };

  describe.each(options.compressions)("with compression %s", (compression) => {
    const events = Array.from({ length: 40 }, (_, at) => eventOf(at));

    test("the other reads the CloudEvents that our broker wrote", async () => {
      await using({ compression, recordsOf: () => "cloudevents" }, async (broker, topic) => {
        await broker.append([{ topic, partition: 0, batch: packEvents(events) }]);
        const read = await options.read(topic, 40);
        expect(read.map(({ key, value }) => [key, value.toString()])).toEqual(
          events.map(({ key, data }) => [key, Buffer.from(data!).toString()]),
        );
        const attributes = {
          ...{ specversion: "1.0", id: "e7", source: "/oms/zürich", type: "execution.fill.v1" },
          ...{ time: "2023-11-14T22:13:20.123456789Z", sequence: "9007199254740993", desk: "Zürich ⚖" },
        };
        const named = Object.entries(attributes).map(([name, value]) => [prefix + name, value]);
        expect(read[7]!.headers).toMatchObject({
          ...Object.fromEntries(named),
          "content-type": "application/json",
        });
      });
    });

    test("the other reads the packed batch that our broker wrote", async () => {
      await using({ compression }, async (broker, topic) => {
        await broker.append([{ topic, partition: 0, batch: packEvents(events) }]);
        const [record] = await options.read(topic, 1);
        expect(record!.headers).toMatchObject({
          "content-type": "application/vnd.distribution.event-batch+protobuf",
          "distribution-events": "40",
        });
        const batch = walkBatch(record!.value, { maxEvents: 100, maxEventBytes: 10_000 });
        expect(Array.from({ length: 40 }, (_, at) => decodeEvent(messageAt(batch, at)))).toEqual(events);
      });
    });

    test("our broker reads the CloudEvents, binary and structured, that the other wrote in batches", async () => {
      const structured = {
        specversion: "1.0",
        id: "s",
        source: "/py",
        type: "t.v1",
        data: { a: 1 },
        partitionkey: "k",
      };
      const binary = Array.from({ length: 100 }, (_, at): ForeignWrite => {
        const attributes = { specversion: "1.0", id: `p${at}`, source: "/py/ü", type: "t.v1" };
        const others = { time: "2026-01-31T09:30:00.5Z", desk: "東京" };
        const named = Object.entries({ ...attributes, ...others }).map(
          ([name, value]) => [prefix + name, value] as const,
        );
        const headers = [...named, ["content-type", "application/json"] as const];
        return { key: `k${at % 5}`, value: base64(`{"n":${at}}`), headers };
      });
      const type = "application/cloudevents+json; charset=UTF-8";
      const last = { headers: [["content-type", type] as const], value: base64(JSON.stringify(structured)) };
      await using({}, async (broker, topic) => {
        await options.write(topic, [...binary, last], compression);
        const read = await logOf(broker, topic);
        expect(read.map(({ id }) => id)).toEqual([...binary.map((_, at) => `p${at}`), "s"]);
        expect(read[42]).toMatchObject({
          ...{ source: "/py/ü", type: "t.v1", time: 1_769_851_800_500_000_000n, contentType: "application/json" },
          extensions: { desk: { value: { $case: "text", value: "東京" } } },
        });
        expect(Buffer.from(read[42]!.data!).toString()).toBe('{"n":42}');
        expect(read[100]).toMatchObject({ id: "s", key: "k", contentType: "application/json" });
      });
    });
  });
}
