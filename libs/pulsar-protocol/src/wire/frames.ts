/**
 * Cuts a stream of received chunks into frames (`u32 length, bytes`). A frame that lies within one chunk is given as a
 * part of it, uncopied; one that spans chunks is gathered in a buffer of its own size.
 */
import { PulsarError } from "../errors.ts";

/** The frame's bytes after its length are `bytes[start, end)`. They stay as they are for as long as anybody holds them. */
export type OnFrame = (bytes: Buffer, start: number, end: number) => void;

export interface FrameSplitter {
  /** Throws `protocol` for a frame longer than `maxFrameBytes`, before anything is allocated for it. */
  push(chunk: Buffer): void;
  /** Bytes that a frame may have; may change at any time. */
  maxFrameBytes: number;
}

/** Memory grows with what arrives, not with what a length claims: a gathered frame starts with this. */
const FIRST_BYTES = 256 * 1024;

export function createFrameSplitter(maxFrameBytes: number, onFrame: OnFrame): FrameSplitter {
  const head = Buffer.alloc(4);
  let headBytes = 0;
  /** The frame being gathered: its length, or -1 while only (part of) the length is there. */
  let length = -1;
  let gathered: Buffer = head;
  let filled = 0;

  const checked = (claimed: number): number => {
    if (claimed < 4 || claimed > splitter.maxFrameBytes) {
      throw new PulsarError("protocol", `A frame of ${claimed} bytes; at most ${splitter.maxFrameBytes} are allowed.`);
    }
    return claimed;
  };

  const begin = (claimed: number): void => {
    length = claimed;
    gathered = Buffer.allocUnsafeSlow(Math.min(length, FIRST_BYTES));
    filled = 0;
  };

  /** Takes from the chunk what the gathered frame still needs; returns how far. */
  const gather = (chunk: Buffer, from: number): number => {
    const wanted = Math.min(length - filled, chunk.length - from);
    if (filled + wanted > gathered.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(length, Math.max(filled + wanted, gathered.length * 2)));
      gathered.copy(larger, 0, 0, filled);
      gathered = larger;
    }
    chunk.copy(gathered, filled, from, from + wanted);
    filled += wanted;
    if (filled === length) {
      const whole = gathered;
      length = -1;
      gathered = head;
      onFrame(whole, 0, whole.length);
    }
    return from + wanted;
  };

  const splitter: FrameSplitter = {
    maxFrameBytes,
    push(chunk) {
      let pos = 0;
      while (pos < chunk.length) {
        if (length >= 0) {
          pos = gather(chunk, pos);
        } else if (headBytes > 0 || chunk.length - pos < 4) {
          head[headBytes++] = chunk[pos++]!;
          if (headBytes === 4) {
            headBytes = 0;
            begin(checked(head.readUInt32BE(0)));
          }
        } else {
          const claimed = checked(chunk.readUInt32BE(pos));
          pos += 4;
          if (chunk.length - pos >= claimed) {
            onFrame(chunk, pos, pos + claimed);
            pos += claimed;
          } else begin(claimed);
        }
      }
    },
  };
  return splitter;
}
