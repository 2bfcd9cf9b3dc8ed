import { readFileSync } from "node:fs";
import { fieldError } from "@distribution/core/errors";

/** The text of the file that a setting names. Throws `invalid_request` naming the setting when it cannot be read. */
export function settingFile(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (failure) {
    throw fieldError("invalid_request", setting, `${path} cannot be read: ${(failure as Error).message}`);
  }
}
