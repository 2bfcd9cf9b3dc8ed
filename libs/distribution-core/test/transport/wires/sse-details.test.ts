import { createEchoHost, type EchoHost, stateFrame } from "@distribution/testkit/wire";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { decodeClientFrame, encodedFrame } from "../../../src/transport/frames/index.ts";
import { kindOf } from "../../../src/transport/sse/field.ts";
import { createEventStreams, type EventStreams } from "../../../src/transport/sse/index.ts";
import { parameterOf, subscribeFrame } from "../../../src/transport/sse/query.ts";
import type { SessionHost } from "../../../src/transport/wires/index.ts";
import { createRecordingLogger, type HttpBench } from "./http-bench.ts";
import { createStreamParser, openEventStreams, type StreamedEvent } from "./sse-fixture.ts";

let http: HttpBench;
let host: EchoHost;
let streams: EventStreams;

async function open(of: SessionHost, heartbeatMs = 10_000): Promise<void> {
  const limits = { heartbeatMs, closeTimeoutMs: 200 };
  streams = createEventStreams({ host: of, runtime: systemRuntime, logger: createRecordingLogger(), limits });
  http = await openEventStreams(streams);
}

beforeEach(async () => {
  host = createEchoHost();
  await open(host);
});

afterEach(async () => {
  await streams.close();
  await http.stop();
});

const get = (query = "", headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${http.port}/api/v1/topics/market-data.quotes/events${query}`, { headers });

/** Reads events as they come until there are so many. */
async function readEvents(response: Response, count: number): Promise<{ events: StreamedEvent[]; text: string }> {
  const parse = createStreamParser();
  const decoder = new TextDecoder();
  const events: StreamedEvent[] = [];
  let text = "";
  for await (const chunk of response.body!) {
    const piece = decoder.decode(chunk as Uint8Array, { stream: true });
    text += piece;
    events.push(...parse(piece));
    if (events.length >= count) break;
  }
  return { events, text };
}

describe("an event stream", () => {
  it("is text/event-stream with the token of each frame as its id", async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const frame = encodedFrame(Buffer.from('{"events":{"channel":1}}'), "token-1");
    host.sessions[0]!.connection.write([frame, encodedFrame(Buffer.from('{"pong":{}}'))]);
    const { events, text } = await readEvents(response, 3);
    expect(text).toContain('event: events\nid: token-1\ndata: {"events":{"channel":1}}\n\n');
    expect(events.map(({ event, id }) => [event, id])).toEqual([
      ["subscribed", undefined],
      ["events", "token-1"],
      ["pong", undefined],
    ]);
  });

  it("finds its socket free when the kernel took everything at once, however much that was", async () => {
    const response = await get();
    const { connection } = host.sessions[0]!;
    const frames = Array.from({ length: 5 }, (_, number) => stateFrame("json", number, 16_000));
    expect([connection.write(frames), connection.bufferedBytes()]).toEqual([true, 0]);
    const { events } = await readEvents(response, 6);
    expect(events.slice(1).map(({ data }) => JSON.parse(data).state.topic)).toEqual(["0", "1", "2", "3", "4"]);
  });

  it("gives payloads with line ends of their own whole", async () => {
    const response = await get();
    const payload = '{"events":{"events":[{"data":{\n "a": 1,\r\n "b":\r 2}}]}}';
    host.sessions[0]!.connection.write([encodedFrame(Buffer.from(payload))]);
    const { events } = await readEvents(response, 2);
    expect(JSON.parse(events[1]!.data)).toEqual(JSON.parse(payload));
  });

  it("sends comments while nothing happens", async () => {
    await streams.close();
    await http.stop();
    await open(createEchoHost(), 30);
    const response = await get();
    const reader = response.body!.getReader();
    let text = "";
    while (!text.endsWith(":\n\n:\n\n")) text += Buffer.from((await reader.read()).value ?? []).toString();
    await reader.cancel();
  });

  it("keeps what comes before the subscription's answer for after it", async () => {
    await streams.close();
    await http.stop();
    await open({
      maxFrameBytes: 100,
      open(connection) {
        connection.write([encodedFrame(Buffer.from('{"welcome":{}}'))]);
        return {
          receive: () => void connection.write([encodedFrame(Buffer.from('{"ref":"sse","subscribed":{}}'))]),
          drained() {},
          heard() {},
          closed() {},
        };
      },
    });
    const { events } = await readEvents(await get(), 2);
    expect(events.map(({ event }) => event)).toEqual(["welcome", "subscribed"]);
  });

  it("is refused as an HTTP error when the subscription is", async () => {
    const response = await get("?filter=refuse");
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: "invalid_filter",
      detail: "The filter is refused.",
      errors: [{ path: "filter", message: "is refused" }],
    });
    await vi.waitFor(() => expect([host.sessions[0]!.closed, streams.connections()]).toEqual([1, 0]));
  });

  it("is refused as an HTTP error when the session closes instead of answering", async () => {
    for (const [code, status] of [
      [3500, 401],
      [3008, 503],
      [1011, 503],
    ] as const) {
      await streams.close();
      await http.stop();
      await open({
        maxFrameBytes: 100,
        open: (connection) => ({ receive: () => connection.close(code, "no"), drained() {}, heard() {}, closed() {} }),
      });
      expect((await get()).status).toBe(status);
      expect(streams.connections()).toBe(0);
    }
  });

  it("is refused when the host takes no session, and by a service that drains", async () => {
    await streams.close();
    expect((await get()).status).toBe(503);
    await http.stop();
    await open({
      maxFrameBytes: 100,
      open() {
        throw new DistributionError("unauthenticated", "who?");
      },
    });
    expect(await get().then((response) => response.json())).toMatchObject({ code: "unauthenticated" });
    await vi.waitFor(() => expect(streams.connections()).toBe(0));
  });

  it("is over for the session when the client leaves before the answer", async () => {
    await streams.close();
    await http.stop();
    let closed = 0;
    const count = (): void => {
      closed += 1;
    };
    await open({
      maxFrameBytes: 100,
      open: () => ({ receive() {}, drained() {}, heard() {}, closed: count }),
    });
    const leaving = new AbortController();
    const asked = fetch(`http://127.0.0.1:${http.port}/api/v1/topics/t/events`, { signal: leaving.signal });
    await vi.waitFor(() => expect(streams.connections()).toBe(1));
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await vi.waitFor(() => expect([closed, streams.connections()]).toEqual([1, 0]));
  });

  it("refuses unknown and wrong parameters by name", async () => {
    for (const [query, path] of [
      ["?fliter=1", "fliter"],
      ["?mode=fast", "mode"],
      ["?maxRate=-1", "maxRate"],
      ["?maxRate=", "maxRate"],
      ["?snapshot=yes", "snapshot"],
      ["?mode=latest&mode=every", "mode"],
      ["?from=2025-13-01T00:00:00Z", "from"],
    ]) {
      const response = await get(query);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_request", errors: [{ path }] });
    }
    expect(host.sessions).toEqual([]);
  });
});

describe("the query of an event stream", () => {
  const read = (query: string, lastEventId?: string) => {
    const { frame } = decodeClientFrame("json", subscribeFrame("t", new URLSearchParams(query), lastEventId));
    if (frame?.$case !== "subscribe") throw new Error("no subscribe frame");
    return frame.value;
  };

  it("becomes the frame that it stands for", () => {
    expect(
      read(
        "keys=BTC,ETH&keys=SOL&filter=data.price%20%3E%201&projection=price&mode=latest&maxRate=2.5&snapshot=true&format=json&slow=drop",
      ),
    ).toMatchObject({
      topics: ["t"],
      keys: ["BTC", "ETH", "SOL"],
      filter: "data.price > 1",
      projection: ["price"],
      format: "PAYLOAD_FORMAT_JSON",
      profile: { mode: "DELIVERY_MODE_LATEST", maxRate: 2.5, snapshot: true, slow: "SLOW_POLICY_DROP" },
    });
    expect(read("snapshot=false").profile?.snapshot).toBe(false);
  });

  it.each([
    ["", undefined],
    ["from=", undefined],
    ["from=latest", { $case: "latest", value: true }],
    ["from=earliest", { $case: "earliest", value: true }],
    ["from=1762180200123456789", { $case: "time", value: 1762180200123456789n }],
    ["from=2025-11-03T14:30:00.123456789Z", { $case: "time", value: 1762180200123456789n }],
    ["from=2025-11-03T15:30:00%2B01:00", { $case: "time", value: 1762180200000000000n }],
    ["from=some.token", { $case: "token", value: "some.token" }],
  ])("starts with %s", (query, at) => {
    expect(read(query).from?.at).toEqual(at);
  });

  it("goes on from the last event's id rather than from where it began", () => {
    expect(read("from=earliest", "k").from?.at).toEqual({ $case: "token", value: "k" });
    expect(read("from=earliest", "").from?.at).toEqual({ $case: "earliest", value: true });
  });
});

describe("a field of the subscription", () => {
  it.each([
    ["subscribe.topics[0]", "topic"],
    ["subscribe.filter", "filter"],
    ["subscribe.keys[3]", "keys"],
    ["subscribe.from.token", "from"],
    ["subscribe.profile.maxRate", "maxRate"],
    ["subscribe", "subscribe"],
  ])("%s is named as the request has it: %s", (path, parameter) => {
    expect(parameterOf(path)).toBe(parameter);
  });
});

describe("the kind of a frame", () => {
  it.each([
    ['{"events":{}}', "events"],
    ['{"ref":"a\\"b","error":{}}', "error"],
    [' { "ref" : "r" , "pong" : {} }', "pong"],
    ["[]", "frame"],
  ])("of %s is %s", (payload, kind) => {
    expect(kindOf(Buffer.from(payload))).toBe(kind);
  });
});
