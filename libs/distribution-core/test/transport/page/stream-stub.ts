/** The JSON frames of a session, as far as the page's live tail needs them, on a real WebSocket. */
import type { Server } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

export interface StreamStub {
  /** Client frames in the order they came. */
  readonly frames: readonly Readonly<Record<string, unknown>>[];
  /** To every open session. */
  send(frame: object): void;
  end(code: number, reason: string): void;
}

export function attachStream(http: Server): StreamStub {
  const frames: Record<string, unknown>[] = [];
  const server = new WebSocketServer({ server: http, path: "/api/v1/stream" });
  const open = (): WebSocket[] => [...server.clients];
  server.on("connection", (socket) => {
    socket.send(JSON.stringify({ ref: "", welcome: { session: "s1", heartbeatMs: 50 } }));
    socket.on("message", (message) => {
      const frame = JSON.parse(String(message)) as Record<string, { filter?: string } | undefined>;
      frames.push(frame);
      if (frame["subscribe"]?.filter === "nonsense") {
        const errors = [{ path: "subscribe.filter", message: "nonsense is no field" }];
        socket.send(JSON.stringify({ ref: "tail", error: { code: "invalid_filter", message: "Bad.", errors } }));
      } else if (frame["subscribe"]) {
        socket.send(JSON.stringify({ ref: "tail", subscribed: { subscription: 1, channel: 1, positions: [] } }));
      }
    });
  });
  return {
    frames,
    send(frame) {
      for (const socket of open()) socket.send(JSON.stringify(frame));
    },
    end(code, reason) {
      for (const socket of open()) socket.close(code, reason);
    },
  };
}
