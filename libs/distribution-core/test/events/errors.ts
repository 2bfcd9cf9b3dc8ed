import { DistributionError } from "../../src/errors.ts";

/** The error that `run` ends with, as `code path`; its message for the rest. Fails when there is none of ours. */
export function errorOf(run: () => unknown): { at: string; message: string } {
  try {
    run();
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    return { at: `${failure.code} ${failure.errors.map((error) => error.path).join(",")}`, message: failure.message };
  }
  throw new Error("It was accepted.");
}
