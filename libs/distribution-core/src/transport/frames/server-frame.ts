/** What services send: ServerFrame into bytes. The hot `events` frames have a writer of their own; this one is their oracle. */
import { ServerFrame } from "@distribution/proto-types/distribution/v1/frames";
import type { EncodedFrame, FrameFormat } from "../contract.ts";
import { writeMessage } from "./json-writer.ts";
import { SERVER_FRAME } from "./shape.ts";

/** UTF-8 JSON or protobuf of the frame. Throws `invalid_event` for an event that has no CloudEvents form. */
export function encodeServerFrame(format: FrameFormat, frame: ServerFrame): Buffer {
  if (format === "proto") return asBuffer(ServerFrame.encode(frame).finish());
  return Buffer.from(
    writeMessage(SERVER_FRAME, frame as unknown as Record<string, unknown>, frame.ref === "" ? "ref" : ""),
  );
}

const NOTHING: readonly EncodedFrame[] = [];

/** What a session writes: the payload, and a place where each wire keeps what it made of it. */
export function encodedFrame(payload: Buffer, token = ""): EncodedFrame {
  // All keys at once: every frame has the same hidden class, whichever wire comes first.
  const wrapped = { websocket: undefined, socketio: undefined, grpc: undefined, sse: undefined };
  const frame = { payload, token, wrapped, alone: NOTHING };
  frame.alone = [frame];
  return frame;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
