import { once } from "node:events";
import { clientMessage } from "@distribution/testkit/wire";
import { WebSocket } from "ws";
import type { Ports } from "../service.ts";
import { clientOf, createInbox, type StreamClient, type Wire } from "./contract.ts";
import { frameOfJson, frameOfProto } from "./frames.ts";

type Format = "json" | "proto";

export const streamUrl = (ports: Ports): string => `ws://127.0.0.1:${ports.public}/api/v1/stream`;

export async function openWebSocket(ports: Ports, format: Format, options: { autoPong?: boolean } = {}) {
  const socket = new WebSocket(streamUrl(ports), `distribution.v1+${format}`, options);
  socket.on("error", () => {});
  await once(socket, "open");
  return socket;
}

export function websocket(format: Format): Wire {
  return {
    name: `WebSocket, ${format}`,
    duplex: true,
    async connect(ports): Promise<StreamClient> {
      const inbox = createInbox();
      const socket = new WebSocket(streamUrl(ports), `distribution.v1+${format}`);
      socket.on("error", () => {});
      socket.on("message", (data: Buffer) =>
        inbox.take(format === "proto" ? frameOfProto(data) : frameOfJson(JSON.parse(data.toString()) as object)),
      );
      socket.on("close", (code, reason) => inbox.end({ code, reason: reason.toString() }));
      await once(socket, "open");
      return clientOf(inbox, {
        send: (frame) => socket.send(clientMessage(format, frame), { binary: format === "proto" }),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        vanish: () => socket.terminate(),
      });
    },
  };
}
