/** Socket.IO's own broadcast, without its long-polling. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import type { RivalDefinition } from "./rival.ts";

export const socketio: RivalDefinition = {
  subject: "Socket.IO, WebSocket only",
  protocol: "socketio",
  start: async () => {
    const http = createServer();
    // Nobody answers its pings here, so they come after the bench is over.
    const io = new Server(http, { transports: ["websocket"], serveClient: false, pingInterval: 3_600_000 });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    return {
      port: (http.address() as AddressInfo).port,
      publish: (events) => {
        for (const event of events) io.emit("event", event);
      },
      close: () => io.close(),
    };
  },
};
