import { DistributionError } from "@distribution/core/errors";
import { doneWithin } from "@distribution/core/runtime";
import type { Settings } from "../options.ts";

/** Rejects with `unavailable` when Pulsar has not said by then who has what of the group. */
export async function inTime(
  { runtime, adminTimeoutMs }: Pick<Settings, "runtime" | "adminTimeoutMs">,
  group: string,
  begun: Promise<unknown>,
): Promise<void> {
  if (await doneWithin(runtime, begun, adminTimeoutMs)) return;
  const limit = `within ${adminTimeoutMs} ms (adminTimeoutMs)`;
  throw new DistributionError("unavailable", `Pulsar did not say ${limit} who has what of the group ${group}.`);
}
