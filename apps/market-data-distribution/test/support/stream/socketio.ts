import { io } from "socket.io-client";
import { type Closed, clientOf, createInbox, type Wire } from "./contract.ts";
import { frameOfJson } from "./frames.ts";

export const socketio: Wire = {
  name: "Socket.IO",
  duplex: true,
  async connect(ports) {
    const inbox = createInbox();
    const socket = io(`http://127.0.0.1:${ports.public}`, {
      ...{ transports: ["websocket"], reconnection: false, forceNew: true },
    });
    let told: Closed | undefined;
    socket.on("frame", (frame: object) => inbox.take(frameOfJson(frame)));
    socket.on("closed", (closed: Closed) => {
      told = closed;
    });
    socket.on("disconnect", (reason) => inbox.end(told ?? { code: 0, reason }));
    await new Promise<void>((resolve, reject) => {
      socket.on("connect", resolve);
      socket.on("connect_error", reject);
    });
    // Engine.IO keeps its WebSocket to itself.
    const rawSocket = () => (socket.io.engine.transport as unknown as { ws: { pause(): void; resume(): void } }).ws;
    return clientOf(inbox, {
      send: (frame) => void socket.emit("frame", frame),
      pause: () => rawSocket().pause(),
      resume: () => rawSocket().resume(),
      vanish: () => void socket.disconnect(),
    });
  },
};
