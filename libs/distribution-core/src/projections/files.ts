/** Where the checkpoints of projections are kept. */
import { type CheckedFiles, createCheckedFiles } from "../tail/index.ts";

export type CheckpointFiles = CheckedFiles;

/** A file a projection, in the folder, which is made where it is missing. */
export const createCheckpointFiles = (directory: string): CheckpointFiles =>
  createCheckedFiles(directory, "projection");
