import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Folder extends Disposable {
  file(name: string): string;
}

/** A folder of its own, gone in the end. */
export function createFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "simulated-world-"));
  return {
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
