/** The folder a service keeps its data in, and the secret beside them. */
import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DistributionError } from "./errors.ts";

/**
 * Makes the folder of a service's data where it is missing, and gives it back as an absolute path.
 * Throws `invalid_request` naming the variable, the folder and the reason when the service cannot keep data there.
 */
export function openDataFolder(variable: string, folder: string): string {
  const path = resolve(folder);
  try {
    makeFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return path;
  } catch (cause) {
    throw new DistributionError(
      "invalid_request",
      `${variable}: the data folder ${path} cannot be used: ${reasonOf(cause)}. Set a folder that this user can write, or give it the rights.`,
      { cause },
    );
  }
}

/** One by one: Node's own `recursive` tries for ever where the parent is there and takes no folder, as /proc (Node 24). */
function makeFolder(path: string): void {
  const isFolder = (): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder()) return;
  const parent = dirname(path);
  if (!existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (failure) {
    // Another process may have been quicker.
    if (!isFolder()) throw failure;
  }
}

const SECRET_BYTES = 32;

/** The key that signs tokens: made once, kept beside the data, readable by the owner only. Throws `invalid_request` with the file. */
export function secretOf(path: string): Uint8Array {
  const secret = readSecret(path);
  if (secret.length >= SECRET_BYTES) return secret;
  throw new DistributionError(
    "invalid_request",
    `${path} has ${secret.length} bytes; a secret has at least ${SECRET_BYTES}. Delete it to get a new one: tokens that clients hold become invalid.`,
  );
}

function readSecret(path: string): Uint8Array {
  try {
    if (!existsSync(path)) writeFileSync(path, randomBytes(SECRET_BYTES), { flag: "wx", mode: 0o600 });
    return readFileSync(path);
  } catch (cause) {
    throw new DistributionError(
      "invalid_request",
      `The secret ${path} cannot be read or made: ${reasonOf(cause)}. Give this user the rights, or delete it to get a new one: tokens that clients hold become invalid.`,
      { cause },
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this process has no right to",
  EPERM: "this process has no right to",
  EROFS: "the file system is read-only",
  EEXIST: "it is a file",
  ENOTDIR: "a part of the path is a file",
  ENOSPC: "the disk is full",
};

/** What the system said, in words, with who tried. */
function reasonOf(failure: unknown): string {
  const { code = "", message } = failure as NodeJS.ErrnoException;
  return `${REASONS[code] ?? message} (${code}, as user ${process.getuid?.() ?? "unknown"})`;
}
