import { DistributionClient } from "@distribution/proto-types/distribution/v1/distribution";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { createEchoHost } from "@distribution/testkit/wire";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DistributionError, fieldError } from "../../../src/errors.ts";
import type { PackedBatch } from "../../../src/events/index.ts";
import type { PublishResult } from "../../../src/ingest/contract.ts";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { ANONYMOUS, type Guard } from "../../../src/security/index.ts";
import {
  attachGrpc,
  CODE_KEY,
  ERRORS_KEY,
  type GrpcLimits,
  type GrpcWire,
  RETRY_AFTER_KEY,
} from "../../../src/transport/grpc/index.ts";
import { createRecordingLogger, type RecordingLogger } from "./http-bench.ts";

interface Taken {
  readonly topic: string;
  readonly ids: string[];
}

let wire: GrpcWire;
let client: DistributionClient;
let logger: RecordingLogger;
let taken: Taken[] = [];
/** What ingest does beyond remembering; tests put their own here. */
let ingest: (taken: Taken) => Promise<void> | void;
let tokens: (string | undefined)[] = [];

const guard: Guard = {
  identify(credential) {
    tokens.push(credential.token);
    if (credential.token === "stranger") throw new DistributionError("unauthenticated", "Who?");
    return ANONYMOUS;
  },
  authorize() {},
};

const LIMITS: Partial<GrpcLimits> = {
  maxEvents: 3,
  maxEventBytes: 1000,
  streamWindowBytes: 2000,
  streamEvents: 10,
  maxMessageBytes: 5000,
  closeTimeoutMs: 200,
};

beforeEach(async () => {
  taken = [];
  tokens = [];
  ingest = () => {};
  logger = createRecordingLogger();
  wire = await attachGrpc({
    address: "127.0.0.1:0",
    host: createEchoHost({ maxFrameBytes: 1000 }),
    ingest: { publish },
    guard,
    runtime: systemRuntime,
    logger,
    limits: LIMITS,
  });
  client = new DistributionClient(`127.0.0.1:${wire.port}`, credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await wire.close();
});

async function publish(topic: string, batch: PackedBatch): Promise<PublishResult> {
  const ids = Array.from({ length: batch.count }, (_, index) => {
    const [start, end] = [batch.bounds[2 * index]!, batch.bounds[2 * index + 1]!];
    return Event.decode(batch.bytes.subarray(start, end)).id;
  });
  if (topic === "secret") throw new DistributionError("forbidden", "Not there.");
  const one = { topic, ids };
  await ingest(one);
  taken.push(one);
  return { positions: ids.map((id) => ({ topic, partition: 0, epoch: "e", offset: id })), duplicates: 1 };
}

const event = (id: string, bytes = 0) => Event.create({ id, source: "/s", type: "t", data: Buffer.alloc(bytes) });

const request = (topic: string, ...ids: string[]) => ({ topic, batch: { events: ids.map((id) => event(id)) } });

interface Outcome {
  readonly positions: string[];
  readonly duplicates: number;
}

function send(message: Parameters<DistributionClient["publish"]>[0], metadata = new Metadata()): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    client.publish(message, metadata, (error, response) => {
      if (error) reject(error);
      else resolve(outcomeOf(response.published));
    });
  });
}

function openStream() {
  let call!: ReturnType<DistributionClient["publishStream"]>;
  const outcome = new Promise<Outcome>((resolve, reject) => {
    call = client.publishStream((error, response) => {
      if (error) reject(error);
      else resolve(outcomeOf(response.published));
    });
  });
  // Tests look at it when they are done with the call.
  outcome.catch(() => {});
  return { call, outcome };
}

const outcomeOf = (published: { positions: { offset: string }[]; duplicates: number } | undefined): Outcome => ({
  positions: published?.positions.map(({ offset }) => offset) ?? [],
  duplicates: published?.duplicates ?? 0,
});

async function refusal(outcome: Promise<unknown>) {
  const error = (await outcome.then(
    () => new Error("It was taken."),
    (failure: unknown) => failure,
  )) as ServiceError;
  const errors = error.metadata?.get(ERRORS_KEY)[0];
  return {
    status: error.code,
    details: error.details,
    code: error.metadata?.get(CODE_KEY)[0],
    retryAfter: error.metadata?.get(RETRY_AFTER_KEY)[0],
    errors: errors === undefined ? [] : (JSON.parse(errors.toString()) as { path: string; message: string }[]),
  };
}

/** Sends bytes of the test's own making. */
function sendRaw(bytes: Buffer): Promise<unknown> {
  const raw = new Client(`127.0.0.1:${wire.port}`, credentials.createInsecure());
  const asIs = (value: Buffer): Buffer => value;
  return new Promise((resolve, reject) => {
    raw.makeUnaryRequest("/distribution.v1.Distribution/Publish", asIs, asIs, bytes, (error, response) => {
      raw.close();
      if (error) reject(error);
      else resolve(response);
    });
  });
}

describe("Publish", () => {
  it("hands the packed events to ingest and answers with their positions", async () => {
    expect(await send(request("orders", "1", "2"))).toEqual({ positions: ["1", "2"], duplicates: 1 });
    expect(taken).toEqual([{ topic: "orders", ids: ["1", "2"] }]);
  });

  it("shows the authorization metadata to the guard", async () => {
    const metadata = new Metadata();
    metadata.set("authorization", "Bearer abc");
    await send(request("orders", "1"), metadata);
    expect(tokens).toEqual(["abc"]);
  });

  it("refuses strangers and what ingest forbids", async () => {
    const metadata = new Metadata();
    metadata.set("authorization", "Bearer stranger");
    expect(await refusal(send(request("orders", "1"), metadata))).toMatchObject({
      status: 16,
      code: "unauthenticated",
    });
    expect(await refusal(send(request("secret", "1")))).toMatchObject({ status: 7, code: "forbidden" });
    expect(taken).toEqual([]);
  });

  it("takes batches and events up to their limits", async () => {
    expect((await send(request("orders", "1", "2", "3"))).positions).toHaveLength(3);
    expect(await refusal(send(request("orders", "1", "2", "3", "4")))).toMatchObject({
      status: 8,
      code: "batch_too_large",
    });
    const overhead = Event.encode(event("1", 100)).finish().length - 100 + 1;
    for (const bytes of [999, 1000]) {
      await send({ topic: "orders", batch: { events: [event("1", bytes - overhead)] } });
    }
    const large = { topic: "orders", batch: { events: [event("1", 1001 - overhead)] } };
    expect(await refusal(send(large))).toMatchObject({
      status: 8,
      code: "event_too_large",
      errors: [{ path: "events[0]" }],
    });
  });

  it("refuses a request without topic or events", async () => {
    expect(await refusal(send(request("", "1")))).toMatchObject({ status: 3, errors: [{ path: "topic" }] });
    expect(await refusal(send({ topic: "orders" }))).toMatchObject({ status: 3, errors: [{ path: "batch.events" }] });
  });

  it("refuses bytes that are no request, and takes fields of newer clients and batches in parts", async () => {
    for (const garbage of [
      Buffer.of(0xff),
      Buffer.of(0x0a, 0x05, 0x61),
      Buffer.of(0x0a, 0x01, 0xff),
      Buffer.of(0x0b),
    ]) {
      expect(await refusal(sendRaw(garbage))).toMatchObject({ status: 3, code: "bad_frame" });
    }
    const part = (id: string): Buffer => {
      const message = Event.encode(event(id)).finish();
      return Buffer.concat([Buffer.of(0x12, message.length + 2, 0x0a, message.length), message]);
    };
    await sendRaw(Buffer.concat([Buffer.of(0x0a, 1, 0x74), part("1"), Buffer.of(0x78, 1), part("2")]));
    expect(taken).toEqual([{ topic: "t", ids: ["1", "2"] }]);
  });

  it("gives ingest's refusal with its fields and its delay", async () => {
    ingest = () => {
      throw new DistributionError("overloaded", "Too much – wait.", {
        retryAfterMs: 50,
        errors: [{ path: "é", message: "ü" }],
      });
    };
    expect(await refusal(send(request("orders", "1")))).toEqual({
      status: 14,
      details: "Too much – wait.",
      code: "overloaded",
      retryAfter: "50",
      errors: [{ path: "é", message: "ü" }],
    });
  });

  it("leaves out field errors that no header holds", async () => {
    const errors = Array.from({ length: 100 }, (_, index) => ({ path: `events[${index}]`, message: "m".repeat(200) }));
    ingest = () => {
      throw new DistributionError("invalid_event", "x".repeat(5000), { errors });
    };
    const refused = await refusal(send(request("orders", "1")));
    expect(refused.details).toHaveLength(1024);
    expect(refused.errors.length).toBeGreaterThan(10);
    expect(refused.errors.length).toBeLessThan(20);
  });

  it("keeps defects to the log", async () => {
    ingest = () => {
      throw new TypeError("a secret detail");
    };
    expect(await refusal(send(request("orders", "1")))).toMatchObject({
      status: 13,
      details: "The service failed on this request.",
    });
    expect(logger.failures).toEqual(["A publish request failed."]);
  });

  it("refuses a message over the server's limit", async () => {
    expect(await refusal(send({ topic: "t".repeat(5001) }))).toMatchObject({ status: 8 });
  });
});

describe("PublishStream", () => {
  it("answers once with the positions of all batches, in order", async () => {
    const { call, outcome } = openStream();
    for (let number = 0; number < 5; number += 1) call.write(request("orders", `${number}a`, `${number}b`));
    call.end();
    expect(await outcome).toEqual({
      positions: ["0a", "0b", "1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b"],
      duplicates: 5,
    });
  });

  it("answers an empty stream with no positions", async () => {
    const { call, outcome } = openStream();
    call.end();
    expect(await outcome).toEqual({ positions: [], duplicates: 0 });
  });

  it("reads no more than its window while nothing is durable", async () => {
    const waiting: (() => void)[] = [];
    ingest = () => new Promise<void>((resolve) => waiting.push(resolve));
    const { call, outcome } = openStream();
    for (let number = 0; number < 10; number += 1) {
      call.write({ topic: "orders", batch: { events: [event(String(number), 900)] } });
    }
    call.end();
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(waiting).toHaveLength(3);
    while (taken.length < 10) {
      waiting.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect((await outcome).positions).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("ends at the first batch that fails; those before it stay", async () => {
    ingest = ({ ids }) => {
      if (ids[0] === "2") throw fieldError("invalid_event", "events[0].id", "is bad");
    };
    const { call, outcome } = openStream();
    for (const id of ["1", "2", "3"]) {
      call.write(request("orders", id));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    call.end();
    expect(await refusal(outcome)).toMatchObject({ code: "invalid_event", errors: [{ path: "events[0].id" }] });
    expect(taken.map(({ ids }) => ids)).toEqual([["1"]]);
  });

  it("takes as many events as its one answer may hold, and no more", async () => {
    const full = openStream();
    for (let number = 0; number < 10; number += 1) full.call.write(request("orders", String(number)));
    full.call.end();
    expect((await full.outcome).positions).toHaveLength(10);

    const over = openStream();
    for (let number = 0; number < 11; number += 1) over.call.write(request("orders", String(number)));
    over.call.end();
    expect(await refusal(over.outcome)).toMatchObject({ status: 8, code: "limit_exceeded" });
  });

  it("identifies its client once", async () => {
    const { call, outcome } = openStream();
    for (let number = 0; number < 5; number += 1) call.write(request("orders", String(number)));
    call.end();
    await outcome;
    expect(tokens).toHaveLength(1);
  });

  it("is over when the client cancels it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    ingest = () => promise;
    const { call, outcome } = openStream();
    call.write(request("orders", "1"));
    await vi.waitFor(() => expect(tokens).toHaveLength(1));
    call.cancel();
    expect(await refusal(outcome)).toMatchObject({ status: 1 });
    resolve();
    expect(await send(request("orders", "2"))).toMatchObject({ positions: ["2"] });
  });
});
