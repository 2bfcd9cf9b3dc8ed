/** The token, read again from its file whenever it is needed, so that it may be replaced while the broker runs. */
import { readFileSync } from "node:fs";
import { DistributionError } from "@distribution/core/errors";
import type { Token } from "./options.ts";

/** The token now; undefined when there is none. Throws `unavailable` naming a file that cannot be read. */
export type TokenSource = () => string | undefined;

export function createTokenSource(token: Token | undefined): TokenSource {
  if (token === undefined || typeof token === "string") return () => token;
  return () => {
    try {
      return readFileSync(token.file, "utf8").trim();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new DistributionError("unavailable", `The file of the setting token cannot be read: ${why}.`, { cause });
    }
  };
}
