import { readFileSync } from "node:fs";
import { DistributionError, fieldError } from "@distribution/core/errors";

/** What whoever sets an option calls it, for messages. */
export type OptionNames = (option: string) => string;

/** An option that no setting is for keeps its own name. `settingOf`: by option; `brokers` is also that of `brokers[1]`. */
export const optionNames =
  (settingOf: Readonly<Record<string, string>>, variable: (setting: string) => string): OptionNames =>
  (option) => {
    const [, name = "", place = ""] = /^([^[]*)(.*)$/.exec(option)!;
    const setting = Object.hasOwn(settingOf, name) ? settingOf[name] : undefined;
    return setting === undefined ? option : variable(setting) + place;
  };

/** What is refused for an option is refused for the setting it comes from. */
export async function namingSettings<T>(names: OptionNames, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (failure) {
    const [error] = failure instanceof DistributionError ? failure.errors : [];
    if (error === undefined) throw failure;
    throw fieldError((failure as DistributionError).code, names(error.path), error.message);
  }
}

/** The text of the file that a setting names. Throws `invalid_request` naming the setting when it cannot be read. */
export function settingFile(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (failure) {
    throw fieldError("invalid_request", setting, `${path} cannot be read: ${(failure as Error).message}`);
  }
}

/** A secret, without the white space around it. Throws as `settingFile` does, also when there is none in the file. */
export function secretFile(setting: string, path: string): string {
  const secret = settingFile(setting, path).trim();
  if (secret === "") throw fieldError("invalid_request", setting, `${path} is empty; write the secret into it`);
  return secret;
}

/** Certificates or a key. Throws as `settingFile` does, also when the file is no PEM. */
export function pemFile(setting: string, path: string): string {
  const text = settingFile(setting, path);
  if (!text.includes("-----BEGIN ")) {
    throw fieldError("invalid_request", setting, `${path} is no PEM file; it has to have a line -----BEGIN …-----`);
  }
  return text;
}
