/** Long work in short turns: sockets and timers come to theirs between. */
import type { Runtime } from "./index.ts";

export interface Pace {
  /** One piece of work is done. True: the turn is over; go on after `next`. */
  readonly spent: () => boolean;
  /** Resolves in the next turn. */
  next(): Promise<void>;
  /** Now a turn begins. */
  begin(): void;
}

/** Milliseconds of one turn, and pieces: where time stands still, in simulation, they alone count. */
const TURN_MS = 1;
const TURN_PIECES = 512;
/** Pieces between two looks at the clock. */
const LOOK_EVERY = 16;

export function createPace({ clock, timers }: Pick<Runtime, "clock" | "timers">): Pace {
  let end = 0;
  let pieces = 0;
  const begin = (): void => {
    end = clock.monotonicMs() + TURN_MS;
    pieces = 0;
  };
  begin();
  return {
    begin,
    spent() {
      pieces += 1;
      if (pieces >= TURN_PIECES) return true;
      return pieces % LOOK_EVERY === 0 && clock.monotonicMs() >= end;
    },
    async next() {
      await new Promise<void>((resolve) => timers.soon(resolve));
      begin();
    },
  };
}
