import { once } from "node:events";
import {
  type ClosedWith,
  clientMessage,
  type ReceivedFrame,
  readServerFrame,
  type WireClient,
  type WireFixture,
} from "@distribution/testkit/wire";
import { WebSocket } from "ws";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { attachWebSocket } from "../../../src/transport/websocket/index.ts";
import type { FrameFormat } from "../../../src/transport/wires/index.ts";
import { createRecordingLogger, openHttp } from "./http-bench.ts";

export function websocketFixture(format: FrameFormat): WireFixture {
  return {
    name: `websocket, ${format}`,
    wire: "websocket",
    format,
    duplex: true,
    pausable: true,
    crowd: 1000,
    flooded: "paused",
    async start(host, limits) {
      const http = await openHttp();
      const logger = createRecordingLogger();
      const wire = attachWebSocket({ server: http.server, host, runtime: systemRuntime, logger, limits });
      return {
        ...wire,
        connect: (token) => connect(http.port, format, token),
        stop: () => http.stop(),
      };
    },
  };
}

async function connect(port: number, format: FrameFormat, token?: string): Promise<WireClient> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const ws = new WebSocket(`ws://127.0.0.1:${port}/api/v1/stream`, `distribution.v1+${format}`, { headers });
  const received: ReceivedFrame[] = [];
  ws.on("message", (data: Buffer) => received.push(readServerFrame(format, data)));
  ws.on("error", () => {});
  const closed = new Promise<ClosedWith>((resolve) => {
    ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(ws, "open");
  return {
    received,
    closed,
    send: (frame) => ws.send(clientMessage(format, frame), { binary: format === "proto" }),
    sendGarbage: (bytes) => ws.send(bytes, { binary: format === "proto" }),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    vanish: () => ws.terminate(),
  };
}
