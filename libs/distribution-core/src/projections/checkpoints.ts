/** When the checkpoints of a service's projections are read and written. */
import { toDistributionError } from "../errors.ts";
import type { Logger } from "../observability/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { restoreProjection, saveProjection } from "./checkpoint.ts";
import type { CheckpointFiles } from "./files.ts";
import type { Fed } from "./lane.ts";

export interface Checkpoints {
  /** Projections whose checkpoint cannot be taken stay empty; the log says why. */
  restore(): Promise<void>;
  /** One after the other, of those that have changed. */
  save(): Promise<void>;
  /** The same at every interval, but while the one before goes on, and for as long as it takes until it was but its share of the time. */
  saveWhenDue(): void;
}

export interface CheckpointsOptions {
  readonly files?: CheckpointFiles | undefined;
  readonly runtime: Pick<Runtime, "clock" | "timers">;
  readonly logger: Logger;
  readonly checkpointEveryMs: number;
}

/** Of the time, one in so many parts is for checkpoints: all that is kept is encoded for each. */
const SHARE = 20;

export function createCheckpoints(options: CheckpointsOptions, feds: readonly Fed[]): Checkpoints {
  const { files, runtime, logger, checkpointEveryMs } = options;
  const { clock } = runtime;
  const parts = files && { files, runtime };
  /** What was taken when it was saved; missing before it was restored: until then what is on disk is better. */
  const saved = new Map<Fed, number>();
  let saving: Promise<void> = Promise.resolve();
  let isSaving = false;
  /** Monotonic milliseconds. */
  let dueAt = 0;

  const saveAll = async (): Promise<void> => {
    for (const [fed, before] of parts ? saved : []) {
      const { intake, taken } = fed;
      if (taken === before) continue;
      try {
        await saveProjection(intake, parts!);
        saved.set(fed, taken);
      } catch (failure) {
        const fields = { projection: intake.name, err: failure };
        logger.warn(fields, "A projection's checkpoint was not saved; a start now would read more of the log.");
      }
    }
  };
  const save = (): Promise<void> => {
    saving = saving.then(saveAll);
    return saving;
  };
  const saveTimed = async (): Promise<void> => {
    isSaving = true;
    const began = clock.monotonicMs();
    await save();
    const ended = clock.monotonicMs();
    // An interval goes by anyway.
    dueAt = ended + (SHARE - 1) * (ended - began) - checkpointEveryMs;
    isSaving = false;
  };

  return {
    async restore() {
      for (const fed of feds) {
        const { intake } = fed;
        try {
          if (parts) await restoreProjection(intake, parts);
        } catch (failure) {
          const { message } = toDistributionError(failure);
          const fields = { projection: intake.name, reason: message, err: failure };
          logger.warn(fields, "A projection's checkpoint is ignored; it is built from the log.");
        }
        saved.set(fed, fed.taken);
      }
    },
    save,
    saveWhenDue() {
      if (!isSaving && clock.monotonicMs() >= dueAt) void saveTimed();
    },
  };
}
