/** `ws` as one writes it for speed: each event framed once for all, a burst corked into one write a socket. */
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { promisify } from "node:util";
import { WebSocketServer } from "ws";
import { textFrame } from "../frame.ts";
import type { RivalDefinition } from "./rival.ts";

export const wsCorked: RivalDefinition = {
  subject: "ws, framed once and corked",
  protocol: "websocket",
  start: async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    const sockets = new Set<Socket>();
    server.on("connection", (_client, { socket }) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    await once(server, "listening");
    return {
      port: (server.address() as AddressInfo).port,
      publish: (events) => {
        const frames = events.map(textFrame);
        for (const socket of sockets) {
          socket.cork();
          for (const frame of frames) socket.write(frame);
          socket.uncork();
        }
      },
      close: () => promisify(server.close.bind(server))(),
    };
  },
};
