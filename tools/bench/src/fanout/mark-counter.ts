/** Counts the events in the bytes of many connections, however they are framed or cut into chunks. */
import { MARK } from "./event.ts";

export interface MarkCounter {
  /** Events that end in the first `length` bytes of the connection's next chunk. */
  count(connection: number, chunk: Buffer, length: number): number;
}

export function createMarkCounter(connections: number): MarkCounter {
  // A mark may be cut by a chunk's end: these are the bytes of it that the connection's last chunk ended with.
  const begun = new Uint8Array(connections);
  return {
    count: (connection, chunk, length) => {
      let events = 0;
      let at = 0;
      const open = begun[connection]!;
      if (open > 0) {
        const rest = Math.min(MARK.length - open, length);
        const goesOn = MARK.compare(chunk, 0, rest, open, open + rest) === 0;
        if (goesOn && open + rest < MARK.length) {
          begun[connection] = open + rest;
          return 0;
        }
        if (goesOn) {
          events = 1;
          at = rest;
        }
      }
      const bytes = chunk.subarray(0, length);
      for (let found = bytes.indexOf(MARK, at); found >= 0; found = bytes.indexOf(MARK, at)) {
        events += 1;
        at = found + MARK.length;
      }
      begun[connection] = begunAtEnd(bytes, at);
      return events;
    },
  };
}

/** How many bytes of a mark the chunk ends with, looking no further back than `from`. */
function begunAtEnd(bytes: Buffer, from: number): number {
  for (let size = Math.min(MARK.length - 1, bytes.length - from); size > 0; size -= 1)
    if (MARK.compare(bytes, bytes.length - size, bytes.length, 0, size) === 0) return size;
  return 0;
}
