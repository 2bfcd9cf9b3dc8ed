/** The token to authenticate with: given, or asked for. */
import { PulsarError } from "../errors.ts";
import type { ClientSettings } from "../options.ts";

/** Asks the function for a token, but no longer than the deadline, Unix ms. Rejects with `authentication`. */
export async function tokenOf(settings: ClientSettings, deadline: number): Promise<string | undefined> {
  const { token } = settings;
  if (typeof token !== "function") return token;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new PulsarError("authentication", "The token function gave no token in time.")),
    Math.max(0, deadline - Date.now()),
  );
  try {
    const given: unknown = await Promise.race([token(), late]);
    if (typeof given !== "string" || given === "") throw new TypeError("it gave no text");
    return given;
  } catch (cause) {
    if (cause instanceof PulsarError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PulsarError("authentication", `The token function failed: ${why}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
