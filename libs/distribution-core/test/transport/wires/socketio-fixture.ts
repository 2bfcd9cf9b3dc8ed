import {
  type ClosedWith,
  type ReceivedFrame,
  receivedFrame,
  type WireClient,
  type WireFixture,
} from "@distribution/testkit/wire";
import { io } from "socket.io-client";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { attachSocketIo, CLOSED_EVENT, FRAME_EVENT } from "../../../src/transport/socketio/index.ts";
import { createRecordingLogger, openHttp } from "./http-bench.ts";

type Transport = "websocket" | "polling";

/** The socket of the client's own `ws`, which Engine.IO keeps to itself. */
interface RawSocket {
  pause(): void;
  resume(): void;
  terminate(): void;
  send(text: string): void;
}

export function socketIoFixture(transport: Transport): WireFixture {
  return {
    name: `socket.io, ${transport}`,
    wire: "socketio",
    format: "json",
    duplex: true,
    pausable: transport === "websocket",
    // A polling client opens a request for every message.
    crowd: transport === "websocket" ? 1000 : 100,
    flooded: "closed",
    async start(host, limits) {
      const http = await openHttp();
      const logger = createRecordingLogger();
      const wire = attachSocketIo({ server: http.server, host, runtime: systemRuntime, logger, limits });
      return {
        ...wire,
        connect: (token) => connect(http.port, transport, token),
        stop: () => http.stop(),
      };
    },
  };
}

async function connect(port: number, transport: Transport, token?: string): Promise<WireClient> {
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: [transport],
    reconnection: false,
    forceNew: true,
    ...(token === undefined ? {} : { auth: { token } }),
  });
  const received: ReceivedFrame[] = [];
  let told: ClosedWith | undefined;
  socket.on(FRAME_EVENT, (frame: object) => received.push(receivedFrame(frame)));
  socket.on(CLOSED_EVENT, (closed: ClosedWith) => {
    told = closed;
  });
  const closed = new Promise<ClosedWith>((resolve) => {
    socket.on("disconnect", (reason) => resolve(told ?? { code: 0, reason }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  const raw = (): RawSocket | undefined => (socket.io.engine.transport as unknown as { ws?: RawSocket }).ws;
  return {
    received,
    closed,
    send: (frame) => void socket.emit(FRAME_EVENT, frame),
    // As text of the frame event: Socket.IO's own framing is its library's business.
    sendGarbage: (bytes) => void socket.emit(FRAME_EVENT, bytes.toString("latin1")),
    pause: () => raw()?.pause(),
    resume: () => raw()?.resume(),
    vanish() {
      if (raw()) raw()?.terminate();
      else socket.disconnect();
    },
  };
}
