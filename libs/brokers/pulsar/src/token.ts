/** The token, read again from its file whenever it is needed, so that it may be replaced while the broker runs. */
import { readFileSync } from "node:fs";
import type { OptionNames } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import { sameNames, type Token } from "./options.ts";

/** The token now; undefined when there is none. Throws `unavailable` naming a file that cannot be read or is empty. */
export type TokenSource = () => string | undefined;

export function createTokenSource(token: Token | undefined, called: OptionNames = sameNames): TokenSource {
  if (token === undefined || typeof token === "string") return () => token;
  return () => {
    let text: string;
    try {
      text = readFileSync(token.file, "utf8").trim();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new DistributionError("unavailable", `${called("token")}: its file cannot be read: ${why}.`, { cause });
    }
    if (text !== "") return text;
    throw new DistributionError("unavailable", `${called("token")}: ${token.file} is empty; write the token into it.`);
  };
}
