/** How a subscriber joins each rival, as a script of bytes: cheaper than a client library, and the same for all. */
import { ClientFrame, Subscribe } from "@distribution/proto-types/distribution/v1/frames";
import { clientBinaryFrame, clientTextFrame } from "./frame.ts";

export type Protocol = "tcp" | "websocket" | "socketio" | "distribution" | "distribution-proto";

/** Sends, then waits until the text came; the next step follows. After the last step the subscriber is subscribed. */
export interface Step {
  readonly send: Buffer;
  readonly awaits: string;
}

/** The topic of the bench, where the rival has topics. */
export const TOPIC = "bench.events";

export const PROTOCOLS: Readonly<Record<Protocol, readonly Step[]>> = {
  tcp: [{ send: Buffer.from("join"), awaits: "joined" }],
  websocket: [{ send: upgrade("/"), awaits: "\r\n\r\n" }],
  socketio: [
    { send: upgrade("/socket.io/?EIO=4&transport=websocket"), awaits: '0{"sid"' },
    { send: clientTextFrame("40"), awaits: '40{"sid"' },
  ],
  distribution: joinOurs("json", [{ topics: [TOPIC] }]),
  "distribution-proto": joinOurs("proto", [{ topics: [TOPIC] }]),
};

/** What a subscriber of ours asks for. */
export interface Wish {
  readonly topics: readonly string[];
  readonly filter?: string;
  /** From the oldest event on; else from now on. */
  readonly earliest?: boolean;
}

/** A session of ours with these subscriptions, one after the other. */
export function joinOurs(frames: "json" | "proto", wishes: readonly Wish[]): readonly Step[] {
  const subprotocol = `distribution.v1+${frames}`;
  // What the answers say in either form: the welcome has the identity, each answer its ref.
  return [
    { send: upgrade("/api/v1/stream", subprotocol), awaits: "anonymous" },
    ...wishes.map((wish, index) => {
      const ref = `join-${index}.`;
      return { send: frames === "proto" ? protoSubscribe(ref, wish) : jsonSubscribe(ref, wish), awaits: ref };
    }),
  ];
}

function protoSubscribe(ref: string, { topics, filter = "", earliest = false }: Wish): Buffer {
  const from = earliest ? { at: { $case: "earliest" as const, value: true } } : undefined;
  const value = Subscribe.fromPartial({ topics: [...topics], filter, ...(from && { from }) });
  return clientBinaryFrame(ClientFrame.encode({ ref, frame: { $case: "subscribe", value } }).finish());
}

function jsonSubscribe(ref: string, { topics, filter, earliest }: Wish): Buffer {
  const from = earliest ? { earliest } : undefined;
  return clientTextFrame(JSON.stringify({ ref, subscribe: { topics, filter, from } }));
}

export function upgrade(path: string, subprotocol?: string): Buffer {
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ...(subprotocol ? [`Sec-WebSocket-Protocol: ${subprotocol}`] : []),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
}
