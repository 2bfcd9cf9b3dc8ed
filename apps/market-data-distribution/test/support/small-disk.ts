/** A file system of its own, of a given size, and what fills it. Mounting needs root, as CI has. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testFolder } from "@distribution/testkit/service";
import { onTestFinished } from "vitest";

export interface SmallDisk {
  readonly path: string;
  /** Takes all but so many bytes of what is free. */
  hog(leave: number): void;
  /** Gives them back. */
  release(): void;
}

/** Unmounted after the test. Throws where mounting is not permitted. */
export function mountSmallDisk(bytes: number): SmallDisk {
  const path = join(testFolder(), "disk");
  mkdirSync(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]);
  onTestFinished(() => void execFileSync("umount", ["-l", path]));
  const hog = join(path, "hog");
  return {
    path,
    hog(leave) {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(hog, Buffer.alloc(bavail * bsize - leave));
    },
    release: () => rmSync(hog),
  };
}

export function mayMount(): boolean {
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
