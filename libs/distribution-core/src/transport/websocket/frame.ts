/** WebSocket framing of what servers send (RFC 6455, 5.2): final, unmasked, one frame a message. */
import type { EncodedFrame } from "../contract.ts";

export const OPCODE = { text: 0x1, binary: 0x2, ping: 0x9 } as const;

const FINAL = 0x80;

/** Header and payload in one new buffer. */
export function frameMessage(opcode: number, payload: Uint8Array): Buffer {
  const length = payload.length;
  const header = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const message = Buffer.allocUnsafe(header + length);
  message[0] = FINAL | opcode;
  if (header === 2) {
    message[1] = length;
  } else if (header === 4) {
    message[1] = 126;
    message.writeUInt16BE(length, 2);
  } else {
    message[1] = 127;
    message.writeBigUInt64BE(BigInt(length), 2);
  }
  message.set(payload, header);
  return message;
}

/** The frame as it goes on the socket; made for its first connection, shared by all others. */
export function wrapped(frame: EncodedFrame, opcode: number): Buffer {
  const kept = frame.wrapped.websocket as Buffer | undefined;
  if (kept !== undefined) return kept;
  const message = frameMessage(opcode, frame.payload);
  frame.wrapped.websocket = message;
  return message;
}

/** Joins the frames of one write into one buffer, where that is worth it. */
export interface Joiner {
  /** Undefined: each goes by itself, in one gathering write. */
  join(frames: readonly EncodedFrame[]): Buffer | undefined;
}

/** Longer ones are sent as they are: the kernel copies them anyway, and a kept copy is memory. */
const JOIN_MAX_BYTES = 64 * 1024;

/**
 * For one connection a gathering write costs less than a copy (16 frames of 250 bytes: 10.5 against 11.7 microseconds). A broadcast
 * gives the same frames to one connection after the other: the second one has them joined, and all others share that.
 */
export function createJoiner(opcode: number): Joiner {
  let lastFrames: readonly EncodedFrame[] = [];
  let joined: Buffer | undefined;
  return {
    join(frames) {
      if (!sameFrames(frames, lastFrames)) {
        // A copy: the session may use its list again.
        lastFrames = [...frames];
        joined = undefined;
        return undefined;
      }
      joined ??= concat(frames.map((frame) => wrapped(frame, opcode)));
      return joined;
    },
  };
}

function concat(messages: readonly Buffer[]): Buffer | undefined {
  const bytes = messages.reduce((sum, message) => sum + message.length, 0);
  return bytes <= JOIN_MAX_BYTES ? Buffer.concat(messages, bytes) : undefined;
}

function sameFrames(a: readonly EncodedFrame[], b: readonly EncodedFrame[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
