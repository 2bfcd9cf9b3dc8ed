/** Frames for tests, in both formats, both ways. */
import { decodeClientFrame, encodedFrame, encodeServerFrame } from "@distribution/core/transport/frames";
import type { EncodedFrame, FrameFormat } from "@distribution/core/transport/wires";
import { ClientFrame, ServerFrame, StreamState } from "@distribution/proto-types/distribution/v1/frames";
import type { ReceivedFrame } from "./contract.ts";

/** A `state` frame whose topic is the number and whose reason is `padding` characters long. */
export function stateFrame(format: FrameFormat, number: number, padding = 0): EncodedFrame {
  const value = { topic: String(number), state: StreamState.LIVE, reason: "x".repeat(padding), channel: 1 };
  return encodedFrame(encodeServerFrame(format, { ref: "", frame: { $case: "state", value } }), `token-${number}`);
}

/** The bytes of a client frame that is given as its JSON. */
export function clientMessage(format: FrameFormat, frame: object): Buffer {
  const json = JSON.stringify(frame);
  return format === "json"
    ? Buffer.from(json)
    : Buffer.from(ClientFrame.encode(decodeClientFrame("json", json)).finish());
}

/** A frame that is exactly so many bytes long in the format. At least 200. */
export function frameOfBytes(format: FrameFormat, bytes: number): object {
  const frameWith = (length: number): object => ({ subscribe: { topics: ["t"], filter: "f".repeat(length) } });
  let length = bytes - clientMessage(format, frameWith(200)).length + 200;
  // In protobuf a longer text has a longer length before it.
  while (clientMessage(format, frameWith(length)).length > bytes) length -= 1;
  return frameWith(length);
}

export function readServerFrame(format: FrameFormat, message: Uint8Array | string): ReceivedFrame {
  if (format === "proto") {
    const { frame } = ServerFrame.decode(message as Uint8Array);
    return { kind: frame?.$case ?? "", value: { ...frame?.value } };
  }
  return receivedFrame(JSON.parse(message.toString()) as object);
}

/** A server frame that is parsed already. */
export function receivedFrame(frame: object): ReceivedFrame {
  const [kind, value] = Object.entries(frame).find(([name]) => name !== "ref") ?? ["", {}];
  return { kind, value: value as Readonly<Record<string, unknown>> };
}

/** The numbers of the `state` and `pong` frames, in the order they came. */
export function numbersOf(frames: readonly ReceivedFrame[]): number[] {
  return frames.flatMap(({ kind, value }) =>
    kind === "state" ? [Number(value["topic"])] : kind === "pong" ? [Number(value["time"])] : [],
  );
}
