import type { EncodedFrame } from "../contract.ts";
import { frameMessage, OPCODE } from "../websocket/frame.ts";

/** The event under which frames travel, both ways. */
export const FRAME_EVENT = "frame";
/** The event that says why a connection ends, sent last: Socket.IO has no close codes of its own. Its argument is `{ code, reason }`. */
export const CLOSED_EVENT = "closed";

/** A frame as Engine.IO sends it: once made, shared by all connections. */
export interface Packet {
  /** Socket.IO packet: type 2 (event), default namespace, the JSON array of name and frame. */
  readonly text: string;
  readonly options: {
    readonly compress: false;
    /**
     * The same as one WebSocket message, with Engine.IO's type 4 (message) in front. Socket.IO's own adapter passes it for broadcasts;
     * on polling it is not looked at.
     */
    readonly wsPreEncodedFrame: readonly [Buffer];
  };
}

export function packetOf(frame: EncodedFrame): Packet {
  const kept = frame.wrapped.socketio as Packet | undefined;
  if (kept !== undefined) return kept;
  const text = `2["${FRAME_EVENT}",${frame.payload.toString()}]`;
  const message = frameMessage(OPCODE.text, Buffer.from(`4${text}`));
  const packet: Packet = { text, options: { compress: false, wsPreEncodedFrame: [message] } };
  frame.wrapped.socketio = packet;
  return packet;
}
