import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty folder. Whoever makes it removes it, unless a test does: then it is gone after the test. */
export function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), "distribution-"));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Gone after the test. */
export function testFolder(): string {
  const folder = emptyFolder();
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** Deletes what a service saved of its read models, whatever its broker: it builds them from the log. Throws when there is nothing. */
export function forgetReadModels(folder: string): void {
  const saved = globSync("{.,*}/projections", { cwd: folder });
  if (saved.length === 0) throw new Error(`No service saved a read model in ${folder}.`);
  for (const path of saved) rmSync(join(folder, path), { recursive: true });
}
