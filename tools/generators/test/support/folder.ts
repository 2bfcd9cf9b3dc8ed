import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface Folder extends Disposable {
  readonly root: string;
  /** Writes files by their path. */
  put(files: Readonly<Record<string, string>>): void;
}

/** Empty, and gone when it is disposed of. */
export function createFolder(): Folder {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "generators-")));
  return {
    root,
    put(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
