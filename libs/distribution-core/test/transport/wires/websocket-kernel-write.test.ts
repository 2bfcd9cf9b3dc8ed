import { once } from "node:events";
import { Socket } from "node:net";
import { createEchoHost, type EchoSession, numbersOf, readServerFrame, stateFrame } from "@distribution/testkit/wire";
import { afterEach, beforeEach, describe, expect, it, type MockInstance, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import { systemRuntime } from "../../../src/runtime/index.ts";
import type { attachWebSocket } from "../../../src/transport/websocket/index.ts";
import type { Wire } from "../../../src/transport/wires/index.ts";
import { createRecordingLogger, type HttpBench, openHttp, type RecordingLogger } from "./http-bench.ts";

/** More than the sockets of both sides hold. */
const LARGE_BYTES = 16 * 1024 * 1024;

let http: HttpBench;
let wire: Wire;
let logger: RecordingLogger;
/** Writes to sockets by way of their streams. */
let streamWrites: MockInstance;

beforeEach(async () => {
  http = await openHttp();
  logger = createRecordingLogger();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await wire.close();
  await http.stop();
  expect(logger.failures).toEqual([]);
});

async function connect(attach: typeof attachWebSocket): Promise<{ client: WebSocket; session: EchoSession }> {
  const host = createEchoHost();
  wire = attach({ server: http.server, host, runtime: systemRuntime, logger });
  const client = new WebSocket(`ws://127.0.0.1:${http.port}/api/v1/stream`, { maxPayload: 2 * LARGE_BYTES });
  client.on("error", () => undefined);
  await once(client, "open");
  streamWrites = vi.spyOn(Socket.prototype, "write");
  return { client, session: host.sessions[0]! };
}

const current = async () => (await import("../../../src/transport/websocket/index.ts")).attachWebSocket;

/** The wire in a Node that gives nothing of its inside. */
async function withoutInternals(): Promise<typeof attachWebSocket> {
  const node = process as unknown as { binding: (name: string) => unknown };
  vi.spyOn(node, "binding").mockImplementation(() => {
    throw new Error("No such module: stream_wrap");
  });
  vi.resetModules();
  onTestFinished(() => void vi.resetModules());
  return await current();
}

const received = (client: WebSocket): number[] => {
  const numbers: number[] = [];
  client.on("message", (data: Buffer) => numbers.push(...numbersOf([readServerFrame("json", data)])));
  return numbers;
};

describe("a write to a WebSocket", () => {
  it("goes past the stream, to the kernel", async () => {
    const { client, session } = await connect(await current());
    const numbers = received(client);
    for (let number = 0; number < 10; number += 1) {
      expect(session.connection.write([stateFrame("json", number)])).toBe(true);
    }
    expect(session.connection.bufferedBytes()).toBe(0);
    expect(streamWrites).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });

  it("that the kernel does not take at once is held, said to be too much, and comes before all later ones", async () => {
    const { client, session } = await connect(await current());
    const numbers = received(client);
    client.pause();
    expect(session.connection.write([stateFrame("json", 0, LARGE_BYTES)])).toBe(false);
    expect(streamWrites).not.toHaveBeenCalled();
    expect(session.connection.bufferedBytes()).toBeGreaterThan(0);
    expect(session.connection.write([stateFrame("json", 1), stateFrame("json", 2)])).toBe(false);
    expect(session.connection.write([stateFrame("json", 3)])).toBe(false);
    expect(streamWrites).toHaveBeenCalledTimes(3);
    expect(session.drained).toBe(0);

    client.resume();
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2, 3]));
    await vi.waitFor(() => expect(session.drained).toBe(1));
    expect(session.connection.bufferedBytes()).toBe(0);
    expect(session.connection.write([stateFrame("json", 4)])).toBe(true);
    expect(streamWrites).toHaveBeenCalledTimes(3);
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2, 3, 4]));
  });

  it("waits for what the stream itself has to send", async () => {
    const { client, session } = await connect(await current());
    const numbers = received(client);
    client.pause();
    // A list goes through the stream the first time.
    session.connection.write([stateFrame("json", 0, LARGE_BYTES), stateFrame("json", 1)]);
    session.connection.write([stateFrame("json", 2)]);
    client.resume();
    await vi.waitFor(() => expect(numbers).toEqual([0, 1, 2]));
  });

  it("is followed by the close frame", async () => {
    const { client, session } = await connect(await current());
    const numbers = received(client);
    const closed = once(client, "close");
    client.pause();
    session.connection.write([stateFrame("json", 0, LARGE_BYTES)]);
    session.connection.close(3001, "enough");
    expect(session.connection.write([stateFrame("json", 1)])).toBe(false);
    client.resume();
    expect((await closed)[0]).toBe(3001);
    expect(numbers).toEqual([0]);
  });

  it.each(["held", "to be made"])("to a client that is gone ends the connection while it is %s", async (when) => {
    const { client, session } = await connect(await current());
    const { _socket: socket } = client as unknown as { readonly _socket: Socket };
    client.pause();
    if (when === "held") session.connection.write([stateFrame("json", 0, LARGE_BYTES)]);
    socket.resetAndDestroy();
    await vi.waitFor(() => {
      session.connection.write([stateFrame("json", 1)]);
      expect(session.closed).toBe(1);
    });
    expect(wire.connections()).toBe(0);
  });

  it("goes through the stream in a Node without that way", async () => {
    const { client, session } = await connect(await withoutInternals());
    const numbers = received(client);
    client.pause();
    expect(session.connection.write([stateFrame("json", 0, LARGE_BYTES)])).toBe(false);
    expect(streamWrites).toHaveBeenCalledOnce();
    client.resume();
    await vi.waitFor(() => expect([session.drained, ...numbers]).toEqual([1, 0]));
  });
});
