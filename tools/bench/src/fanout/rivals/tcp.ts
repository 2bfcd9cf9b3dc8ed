/** The floor: one frame buffer a burst, written to bare TCP sockets. What any server in Node pays for the kernel alone. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { promisify } from "node:util";
import { textFrame } from "../frame.ts";
import type { RivalDefinition } from "./rival.ts";

export const tcp: RivalDefinition = {
  subject: "bare TCP, one buffer a burst",
  protocol: "tcp",
  start: async () => {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      socket.once("data", () => {
        sockets.add(socket);
        socket.write("joined");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      port: (server.address() as AddressInfo).port,
      publish: (events) => {
        const burst = Buffer.concat(events.map(textFrame));
        for (const socket of sockets) socket.write(burst);
      },
      close: () => promisify(server.close.bind(server))(),
    };
  },
};
