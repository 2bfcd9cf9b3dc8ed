/** The usual way: `ws` with a loop of send(string). */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { WebSocketServer } from "ws";
import type { RivalDefinition } from "./rival.ts";

export const ws: RivalDefinition = {
  subject: "ws, loop of send(string)",
  protocol: "websocket",
  start: async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    return {
      port: (server.address() as AddressInfo).port,
      publish: (events) => {
        for (const event of events) for (const client of server.clients) client.send(event);
      },
      close: () => promisify(server.close.bind(server))(),
    };
  },
};
