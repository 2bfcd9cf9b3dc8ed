/** Python with packages of exact versions, for tests that other languages' clients take part in. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder, makeOnce } from "./process/cache.ts";
import { BrokerFailure } from "./process/failure.ts";

const run = promisify(execFile);
const INSTALL_WITHIN_MS = 5 * 60_000;
const ANSWER_WITHIN_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Runs a script and gives the JSON that it prints. Throws with what it said on stderr. */
export type Python = (script: string, input: unknown) => Promise<unknown>;

/** A Python of its own with these packages, as `name==version`; made once and kept beside the brokers' jars. */
export async function preparePython(packages: readonly string[]): Promise<Python> {
  const name = createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 16);
  // Paths in a virtual environment are absolute, so it is made where it stays: the mark beside it says that it is whole.
  const folder = join(cacheFolder(), "python", name);
  await makeOnce(`${folder}.done`, async (mark) => {
    try {
      await run("python3", ["-m", "venv", "--clear", folder]);
      const pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        ...packages,
      ];
      await run(join(folder, "bin/python"), pip, { timeout: INSTALL_WITHIN_MS });
      await run("touch", [mark]);
    } catch (cause) {
      throw new BrokerFailure(
        `Python with ${packages.join(", ")} could not be made: ${(cause as Error).message}. ` +
          "It needs python3 with venv (Debian, Ubuntu: python3-venv) and PyPI or a mirror of it.",
        { cause },
      );
    }
  });
  return async (script, input) => {
    const program = join(folder, "bin/python");
    const options = { timeout: ANSWER_WITHIN_MS, maxBuffer: MAX_ANSWER_BYTES };
    const { stdout } = await run(program, [script, JSON.stringify(input)], options);
    return JSON.parse(stdout) as unknown;
  };
}
