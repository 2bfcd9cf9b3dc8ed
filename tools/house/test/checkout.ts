/** A small checkout in a temporary folder, for checks to be tried on. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface Checkout extends Disposable {
  readonly root: string;
  /** Writes files by their path; an object becomes JSON. */
  put(files: Readonly<Record<string, string | object>>): void;
}

export function createCheckout(files: Readonly<Record<string, string | object>>): Checkout {
  const root = mkdtempSync(join(tmpdir(), "house-"));
  const put: Checkout["put"] = (added) => {
    for (const [path, content] of Object.entries(added)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
    }
  };
  put(files);
  return { root, put, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

/** The package.json of a project with this kind. */
export const project = (name: string, kind: string): object => ({ name, nx: { tags: [`type:${kind}`] } });
