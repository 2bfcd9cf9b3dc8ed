/** A file system of a few megabytes, for what brokers do when theirs is full. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  /** Where it is mounted. */
  readonly folder: string;
  /** Makes it larger, or smaller as far as what it has allows. */
  resize(bytes: number): void;
}

/** Undefined where this user may not mount, also not by a `sudo` that asks nothing. In memory (tmpfs): Linux only. */
export function createSmallDisk(bytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), "small-disk-"));
  const by = [[], ["sudo", "-n"]].find((prefix) => mounted(prefix, ["-o", `size=${bytes},mode=0777`], folder));
  if (by === undefined) {
    rmdirSync(folder);
    return undefined;
  }
  return {
    folder,
    resize(bytes) {
      if (!mounted(by, ["-o", `remount,size=${bytes}`], folder))
        throw new RangeError(`It has more than ${bytes} bytes.`);
    },
    [Symbol.dispose]() {
      const [program = "", ...words] = [...by, "umount", "-l", folder];
      execFileSync(program, words, { stdio: "ignore" });
      rmdirSync(folder);
    },
  };
}

function mounted(by: readonly string[], options: readonly string[], folder: string): boolean {
  const [program = "", ...words] = [...by, "mount", "-t", "tmpfs", ...options, "tmpfs", folder];
  try {
    execFileSync(program, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
