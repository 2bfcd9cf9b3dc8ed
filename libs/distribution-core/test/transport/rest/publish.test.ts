import { request as httpRequest } from "node:http";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import { packEvents, parseCloudEvent } from "../../../src/events/index.ts";
import { cloudEvent, problemIn, publishing, startRest } from "./rest-server.ts";

const PATH = "/api/v1/topics/test.trades/events";

interface PublishedJson {
  readonly positions: readonly { readonly topic: string; readonly offset: string }[];
  readonly duplicates: number;
}

describe("publishing over HTTP", () => {
  it("takes a structured event and answers 201 with its position", async () => {
    await using server = await startRest();
    const response = await fetch(server.url + PATH, publishing(cloudEvent({ id: "1", key: "A" })));
    expect(response.status).toBe(201);
    const { positions, duplicates } = (await response.json()) as PublishedJson;
    expect(positions).toMatchObject([{ topic: "test.trades", epoch: "e1", offset: "1" }]);
    expect(duplicates).toBe(0);
  });

  it("takes a batch whole, and answers the same positions and 200 when all of it comes again", async () => {
    await using server = await startRest();
    const batch = publishing([cloudEvent({ id: "1", key: "A" }), cloudEvent({ id: "2", key: "B" })]);
    const first = (await (await fetch(server.url + PATH, batch)).json()) as PublishedJson;
    const again = await fetch(server.url + PATH, batch);
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ positions: first.positions, duplicates: 2 });
  });

  it("answers 201 when one of a batch is new", async () => {
    await using server = await startRest();
    await server.publish("test.trades", { id: "1", key: "A" });
    const response = await fetch(
      server.url + PATH,
      publishing([cloudEvent({ id: "1", key: "A" }), cloudEvent({ id: "2", key: "A" })]),
    );
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ duplicates: 1 });
  });

  it("answers 409 for a known id with another body", async () => {
    await using server = await startRest();
    await server.publish("test.trades", { id: "1", key: "A" });
    const response = await fetch(server.url + PATH, publishing(cloudEvent({ id: "1", key: "A", data: 2 })));
    expect(await problemIn(response)).toMatchObject({ status: 409, code: "event_conflict" });
  });

  it("takes binary mode: ce- headers and a payload of any type", async () => {
    await using server = await startRest();
    const headers = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/test", "ce-type": "note.v1" };
    const response = await fetch(server.url + PATH, {
      method: "POST",
      headers: { ...headers, "content-type": "text/plain", "ce-partitionkey": "A" },
      body: "hello",
    });
    expect(response.status).toBe(201);
    const page = (await (await server.get(PATH)).json()) as { events: { event: object }[] };
    expect(page.events[0]?.event).toMatchObject({ type: "note.v1", partitionkey: "A", data: "hello" });
  });

  it("tells binary mode without a payload from one with an empty payload", async () => {
    await using server = await startRest();
    const headers = { "ce-specversion": "1.0", "ce-source": "/test", "ce-type": "note.v1" };
    await raw(server.url + PATH, { ...headers, "ce-id": "none" });
    await raw(server.url + PATH, { ...headers, "ce-id": "empty", "content-type": "text/plain", "content-length": "0" });
    const page = (await (await server.get(PATH)).json()) as { events: { event: { id: string; data?: string } }[] };
    const data = Object.fromEntries(page.events.map(({ event }) => [event.id, event.data]));
    expect(data).toEqual({ none: undefined, empty: "" });
  });

  it("takes a protobuf EventBatch", async () => {
    await using server = await startRest();
    const { bytes } = packEvents(["1", "2"].map((id) => parseCloudEvent(JSON.stringify(cloudEvent({ id, key: "A" })))));
    const response = await fetch(server.url + PATH, {
      method: "POST",
      headers: { "content-type": "application/protobuf" },
      body: Buffer.from(bytes),
    });
    expect(response.status).toBe(201);
    expect(((await response.json()) as PublishedJson).positions).toHaveLength(2);
  });

  it.each([
    ["application/json", "{}", 415, "unsupported_media_type", "header.content-type"],
    ["", "x", 415, "unsupported_media_type", "header.content-type"],
    ["application/cloudevents+json", "{", 400, "invalid_event", "event"],
    ["application/cloudevents-batch+json", "[]", 400, "invalid_request", "body"],
    [
      "application/cloudevents-batch+json",
      '[{"specversion":"1.0","id":"1","source":"/","type":7}]',
      400,
      "invalid_event",
      "events[0].type",
    ],
    ["application/protobuf", "\x0a\x7f", 400, "invalid_event", "events[0]"],
  ])("refuses %s %s", async (type, body, status, code, path) => {
    await using server = await startRest();
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
    const response = await fetch(server.url + PATH, { method: "POST", headers, body: Buffer.from(body) });
    const problem = await problemIn(response);
    expect(problem).toMatchObject({ status, code });
    expect(problem.errors[0]?.path).toBe(path);
  });

  it("refuses a content encoding", async () => {
    await using server = await startRest();
    const init = publishing(cloudEvent({ id: "1" }));
    const headers = { ...init.headers, "content-encoding": "gzip" };
    expect(await problemIn(await fetch(server.url + PATH, { ...init, headers }))).toMatchObject({ status: 415 });
  });

  it("passes on what ingest refuses, with its time to wait", async () => {
    const refusal = new DistributionError("overloaded", "Full.", { retryAfterMs: 2100 });
    await using server = await startRest({ ingest: { publish: () => Promise.reject(refusal) } });
    const response = await fetch(server.url + PATH, publishing(cloudEvent({ id: "1" })));
    expect(response.headers.get("retry-after")).toBe("3");
    expect(await problemIn(response)).toMatchObject({ status: 503, code: "overloaded" });
  });
});

describe("bounds of a publish request", () => {
  const one = JSON.stringify(cloudEvent({ id: "1" }));

  it.each([
    [-1, 201],
    [0, 201],
    [1, 413],
  ])("a body of the limit %+d bytes gets %d", async (over, status) => {
    await using server = await startRest({ limits: { bodyBytes: 400 } });
    const body = one.padEnd(400 + over);
    const response = await fetch(server.url + PATH, { ...publishing({}), body });
    expect(response.status).toBe(status);
    if (status === 413) expect(await problemIn(response)).toMatchObject({ code: "batch_too_large" });
  });

  it("counts a body that does not say its length", async () => {
    await using server = await startRest({ limits: { bodyBytes: 400 } });
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(one.padEnd(401)));
        controller.close();
      },
    });
    const init: RequestInit = { ...publishing({}), body: stream, duplex: "half" };
    expect(await problemIn(await fetch(server.url + PATH, init))).toMatchObject({ status: 413 });
  });

  it("gives up on a client that goes on sending far beyond the limit", async () => {
    await using server = await startRest({ limits: { bodyBytes: 1000 } });
    const { promise, resolve } = Promise.withResolvers<string>();
    const call = httpRequest(server.url + PATH, {
      method: "POST",
      headers: { "content-type": "application/protobuf" },
    });
    call.on("response", (response) => resolve(String(response.statusCode)));
    call.on("error", () => resolve("cut off"));
    const feed = setInterval(() => call.write(Buffer.alloc(1000)), 1);
    expect(["413", "cut off"]).toContain(await promise);
    clearInterval(feed);
    call.destroy();
  });

  it.each([
    [2, 201],
    [3, 201],
    [4, 413],
  ])("%d events of at most 3 get %d", async (count, status) => {
    await using server = await startRest({ limits: { batchEvents: 3 } });
    const events = Array.from({ length: count }, (_, index) => cloudEvent({ id: String(index) }));
    expect((await fetch(server.url + PATH, publishing(events))).status).toBe(status);
  });

  it("holds one event to its own limit, in JSON and in protobuf", async () => {
    const batch = packEvents([parseCloudEvent(one)]);
    const size = batch.bounds[1]! - batch.bounds[0]!;
    for (const [eventBytes, status] of [
      [size + 1, 201],
      [size, 200],
      [size - 1, 413],
    ] as const) {
      await using server = await startRest({ limits: { eventBytes } });
      const protobuf = {
        method: "POST",
        headers: { "content-type": "application/protobuf" },
        body: Buffer.from(batch.bytes),
      };
      for (const init of [publishing(cloudEvent({ id: "1" })), protobuf]) {
        const response = await fetch(server.url + PATH, init);
        if (status === 413) expect(await problemIn(response)).toMatchObject({ code: "event_too_large" });
        else expect([200, 201]).toContain(response.status);
      }
    }
  });

  it("refuses a body while others fill the common bound, and takes it afterwards", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let inside = 0;
    await using server = await startRest({
      limits: { bodyBytesInFlight: one.length + 10 },
      ingest: {
        async publish() {
          inside += 1;
          await released;
          return { positions: [{ topic: "t", partition: 0, epoch: "e", offset: "1" }], duplicates: 0 };
        },
      },
    });
    const send = () => fetch(server.url + PATH, { ...publishing({}), body: one });
    const first = send();
    await expect.poll(() => inside).toBe(1);
    const second = await send();
    expect(second.headers.get("retry-after")).toBe("1");
    expect(await problemIn(second)).toMatchObject({ status: 503, code: "overloaded" });
    release();
    expect((await first).status).toBe(201);
    await expect.poll(async () => (await send()).status).toBe(201);
  });

  it("survives a client that breaks off in its body", async () => {
    await using server = await startRest();
    const call = httpRequest(server.url + PATH, {
      method: "POST",
      headers: { "content-type": "application/protobuf", "content-length": "1000" },
    });
    call.on("error", () => {});
    call.write("part");
    await expect.poll(() => call.socket?.bytesWritten ?? 0).toBeGreaterThan(4);
    call.destroy();
    const aborted = () => server.metrics.render().includes('status="aborted"');
    await expect.poll(aborted).toBe(true);
  });
});

/** A POST with exactly these headers. */
function raw(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(url, { method: "POST", headers }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    call.useChunkedEncodingByDefault = false;
    call.on("error", reject).end();
  });
}
