/** Bounds how many do something at a time. */
import { DistributionError } from "../../errors.ts";

export interface Gate {
  /** Throws `overloaded` when as many are inside as may be. Disposing of the pass leaves. */
  enter(): Disposable;
}

/** `what` is done inside, for the one who is refused: "histories are being read". */
export function createGate(limit: number, what: string): Gate {
  let inside = 0;
  return {
    enter() {
      if (inside >= limit) {
        throw new DistributionError("overloaded", `${limit} ${what}, which is the limit; try again.`);
      }
      inside += 1;
      return {
        [Symbol.dispose]() {
          inside -= 1;
        },
      };
    },
  };
}
