/** One asynchronous step at a time, tried again after a growing pause when it fails. */
import { toDistributionError } from "../errors.ts";
import type { Runtime, Timer } from "../runtime/index.ts";

export interface Trouble {
  readonly message: string;
  /** Trying again can help. */
  readonly passing: boolean;
}

export interface Attempts {
  /** A step is under way. */
  readonly busy: boolean;
  /** Why the last step failed; undefined once one succeeded. */
  readonly trouble: Trouble | undefined;
  /** Nothing happens while a step is under way, or a pause. `current` is false once the step was given up. */
  run(step: (current: () => boolean) => Promise<void>): void;
  /** Gives up what is under way, and the pause. */
  cancel(): void;
}

export interface AttemptsOptions {
  readonly runtime: Pick<Runtime, "timers">;
  /** After each step and each pause. */
  readonly onChange: () => void;
  /** True: it is dealt with, and the next step may come at once. */
  readonly onFailure: (failure: unknown) => boolean;
}

/** Milliseconds until the first try after a failure; each further one waits twice as long, up to the most. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

export function createAttempts({ runtime, onChange, onFailure }: AttemptsOptions): Attempts {
  let running: object | undefined;
  let trouble: Trouble | undefined;
  let pause: Timer | undefined;
  let pauseMs = RETRY_MS;

  const succeeded = (): void => {
    trouble = undefined;
    pauseMs = RETRY_MS;
  };
  const failed = (failure: unknown): void => {
    if (onFailure(failure)) return;
    const { message, definition } = toDistributionError(failure);
    trouble = { message, passing: definition.retry };
    pause = runtime.timers.after(pauseMs, () => {
      pause = undefined;
      onChange();
    });
    pauseMs = Math.min(pauseMs * 2, MAX_RETRY_MS);
  };

  return {
    get busy() {
      return running !== undefined;
    },
    get trouble() {
      return trouble;
    },
    run(step) {
      if (running || pause) return;
      const me = {};
      const current = (): boolean => running === me;
      const end = (settle: () => void): void => {
        if (!current()) return;
        running = undefined;
        settle();
        onChange();
      };
      running = me;
      step(current).then(
        () => end(succeeded),
        (failure: unknown) => end(() => failed(failure)),
      );
    },
    cancel() {
      running = undefined;
      pause?.cancel();
      pause = undefined;
      succeeded();
    },
  };
}
