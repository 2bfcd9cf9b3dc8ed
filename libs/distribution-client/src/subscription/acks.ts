/** Gathers acknowledgements of some milliseconds into one frame. */
import type { Position } from "@distribution/proto-types/distribution/v1/frames";

export interface Acks {
  add(position: Position): void;
  /** Sends what waits, now. */
  flush(): void;
  /** Forgets what waits: the session is over, and the next one resumes after it. */
  clear(): void;
}

/** How long an acknowledgement waits for others, ms. */
const WITHIN_MS = 5;
/** Positions of one frame: some 100 KB at the longest names. */
const MOST = 500;

export function createAcks(send: (positions: Position[]) => void): Acks {
  let waiting: Position[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const clear = (): Position[] => {
    const positions = waiting;
    waiting = [];
    clearTimeout(timer);
    timer = undefined;
    return positions;
  };
  const flush = (): void => {
    const positions = clear();
    if (positions.length > 0) send(positions);
  };
  return {
    add(position) {
      waiting.push(position);
      if (waiting.length >= MOST) flush();
      else timer ??= setTimeout(flush, WITHIN_MS);
    },
    flush,
    clear: () => void clear(),
  };
}
