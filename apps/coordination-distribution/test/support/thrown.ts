import { DistributionError } from "@distribution/core/errors";

/** Code, path and message of the DistributionError that the call throws; no path where it is about no field. */
export function thrownBy(call: () => unknown): readonly [code: string, path: string, message: string] {
  try {
    call();
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    const [{ path, message } = { path: "", message: failure.message }] = failure.errors;
    return [failure.code, path, message];
  }
  throw new Error("The call did not throw.");
}
