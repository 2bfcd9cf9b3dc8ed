/**
 * What one event costs at each step that touches its bytes, without any I/O: `node tools/bench/src/micro/events.ts`.
 * A 10-field trade as payload. Per second of CPU time, garbage collection included, best of several rounds, so that a busy
 * neighbour counts for little.
 */
import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import {
  BatchWriter,
  createCloudEventWriter,
  createEnvelope,
  createPayloadCodec,
  decodeEvent,
  EVENT_FIELD,
  encodeEvent,
  type PackedBatch,
  packMessages,
  parseCloudEvent,
  validateEnvelope,
  walkBatch,
} from "@distribution/core/events";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { tradeMessage } from "@distribution/testkit/events";

const BATCH = 500;
const ROUNDS = 8;
const ROUND_MS = 150;

interface Row {
  readonly step: string;
  /** Million events per second of CPU. */
  readonly rate: number;
}

const payload = toBinary(
  tradeMessage,
  create(tradeMessage, {
    symbol: "BTC-USDT",
    venue: "BINANCE",
    tradeId: "1234567890",
    price: "64123.4500",
    quantity: "0.01250000",
    side: 1,
    exchangeTime: 1_700_000_000_123_456_789n,
    sequence: 123_456_789n,
    isBlock: true,
    conditions: 7,
  } as never),
);

function batchOf(contentType: string, data: Uint8Array): PackedBatch {
  const message = encodeEvent(
    Event.create({
      id: "01HF9Z5K3T-000001",
      source: "/market-data/feed-1",
      type: "market-data.trade.v1",
      time: 1_700_000_000_123_456_789n,
      key: "BINANCE:BTC-USDT",
      class: EventClass.TRADE,
      contentType,
      data: Buffer.from(data),
      sequence: 123_456_789n,
    }),
  );
  return packMessages(Array.from({ length: BATCH }, () => message));
}

/** `run` handles one batch. */
function measure(step: string, run: () => void): Row {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    let batches = 0;
    let usedUs = 0;
    while (usedUs < ROUND_MS * 1000) {
      for (let repeat = 0; repeat < 4; repeat++) run();
      batches += 4;
      const used = process.cpuUsage(start);
      usedUs = used.user + used.system;
    }
    best = Math.max(best, (batches * BATCH) / usedUs);
  }
  return { step, rate: best };
}

function each(batch: PackedBatch, run: (start: number, end: number, index: number) => void): () => void {
  const { bounds, count } = batch;
  return () => {
    for (let index = 0; index < count; index++) run(bounds[2 * index]!, bounds[2 * index + 1]!, index);
  };
}

function rows(): Row[] {
  const batch = batchOf("application/protobuf", payload);
  const { bytes } = batch;
  const codec = createPayloadCodec(tradeMessage);
  const json = Buffer.from(codec.toJson(payload));
  const jsonBatch = batchOf("application/json", json);
  const envelope = createEnvelope();
  const writer = new BatchWriter({ initialBytes: bytes.length + 16 * BATCH });
  const untouched = createCloudEventWriter();
  const transcoding = createCloudEventWriter({ codec });
  const trusted = createCloudEventWriter({ trusted: true });
  const limits = { maxEvents: BATCH, maxEventBytes: 1_000_000 };
  const paths = ["symbol", "price"];
  const text = untouched.write(jsonBatch.bytes, jsonBatch.bounds[0]!, jsonBatch.bounds[1]!);
  envelope.read(bytes, batch.bounds[0]!, batch.bounds[1]!);
  const first = envelope.startOf(EVENT_FIELD.data);
  const last = envelope.endOf(EVENT_FIELD.data);

  return [
    measure("walkBatch", () => void walkBatch(bytes, limits)),
    measure(
      "envelope read",
      each(batch, (start, end, index) => envelope.read(bytes, start, end, index)),
    ),
    measure(
      "envelope read and validate",
      each(batch, (start, end, index) => {
        envelope.read(bytes, start, end, index);
        validateEnvelope(envelope, index);
      }),
    ),
    measure("BatchWriter (stamp)", () => {
      each(batch, (start, end) => writer.append(bytes, start, end, 1_700_000_000_123_456_789n, false))();
      writer.finish();
    }),
    measure(
      "payload validate, protobuf",
      each(batch, (_start, _end, index) => codec.validate(bytes, first, last, "application/protobuf", index)),
    ),
    measure(
      "payload validate, JSON",
      each(batch, (_start, _end, index) => codec.validate(json, 0, json.length, "application/json", index)),
    ),
    measure(
      "payload toJson",
      each(batch, () => codec.toJson(payload)),
    ),
    measure(
      "the same by the library",
      each(batch, () => JSON.stringify(toJson(tradeMessage, fromBinary(tradeMessage, payload)))),
    ),
    measure(
      "project 2 of 10 fields",
      each(batch, () => codec.project(payload, "application/protobuf", paths)),
    ),
    measure(
      "CloudEvents JSON, data as base64",
      each(batch, (start, end) => untouched.write(bytes, start, end)),
    ),
    measure(
      "CloudEvents JSON, data transcoded",
      each(batch, (start, end) => transcoding.write(bytes, start, end)),
    ),
    measure(
      "CloudEvents JSON, JSON data embedded",
      each(jsonBatch, (start, end) => trusted.write(jsonBatch.bytes, start, end)),
    ),
    measure(
      "parseCloudEvent",
      each(batch, () => parseCloudEvent(text)),
    ),
    measure(
      "decodeEvent (ts-proto)",
      each(batch, (start, end) => decodeEvent(bytes.subarray(start, end))),
    ),
  ];
}

console.log(`${payload.length} bytes of payload, batches of ${BATCH}, Node ${process.version}`);
for (const { step, rate } of rows())
  console.log(`${step.padEnd(38)} ${rate.toFixed(2).padStart(7)} M/s ${(1000 / rate).toFixed(0).padStart(6)} ns`);
