/** Server-sent events: how frames lie in a text/event-stream (WHATWG HTML, 9.2). */
import type { EncodedFrame } from "../contract.ts";

const LF = 0x0a;
const CR = 0x0d;

/** A frame's text in a stream, and what kind it is. */
export interface StreamEvent {
  readonly kind: string;
  readonly bytes: Buffer;
}

/** A comment, which clients skip: shows that the stream is there. */
export const HEARTBEAT = Buffer.from(":\n\n");

/** `event:` is the frame's kind, `id:` its resume token where it has one, `data:` the frame. Made once a frame. */
export function streamEvent(frame: EncodedFrame): StreamEvent {
  const kept = frame.wrapped.sse as StreamEvent | undefined;
  if (kept !== undefined) return kept;
  const kind = kindOf(frame.payload);
  const id = frame.token === "" ? "" : `id: ${frame.token}\n`;
  const bytes = Buffer.concat([Buffer.from(`event: ${kind}\n${id}`), dataLines(frame.payload), Buffer.from("\n\n")]);
  const event = { kind, bytes };
  frame.wrapped.sse = event;
  return event;
}

/** Ends a stream: EventSource has no close codes. Codes from 3500 on say that coming back the same way is no use. */
export function closeEvent(code: number, reason: string): Buffer {
  return Buffer.from(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
}

/** The name of the frame's one member beside `ref`, which encoders write first. The rest of the frame is not looked at. */
export function kindOf(payload: Buffer): string {
  const start = payload.toString("latin1", 0, 512);
  return /^\s*\{\s*(?:"ref"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*)?"(\w+)"\s*:/.exec(start)?.[1] ?? "frame";
}

/** Every line of a value needs its own field. Payloads that a publisher indented have line ends between their tokens. */
function dataLines(payload: Buffer): Buffer {
  if (!payload.includes(LF) && !payload.includes(CR)) return Buffer.concat([Buffer.from("data: "), payload]);
  return Buffer.from(
    payload
      .toString()
      .split(/\r\n|\r|\n/)
      .map((line) => `data: ${line}`)
      .join("\n"),
  );
}
