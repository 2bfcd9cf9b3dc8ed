/** Names of durable subscriptions as the service keeps them: with the subject of their owner before them. */
import { fieldError } from "../errors.ts";
import type { Identity } from "../security/index.ts";

/** Longest name, bytes. */
const MAX_NAME_BYTES = 128;

/** Undefined: not durable. Throws `invalid_request` for a name that is too long. */
export function durableName(owner: Identity, name: string): string | undefined {
  if (name === "") return undefined;
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return prefixOf(owner) + name;
  throw fieldError("invalid_request", "subscribe.name", `is longer than ${MAX_NAME_BYTES} bytes; choose a shorter one`);
}

export const isOwner = (identity: Identity, durable: string): boolean => durable.startsWith(prefixOf(identity));

/** Subjects have slashes of their own: the first one is where the name begins. */
const prefixOf = ({ subject }: Identity): string => `${subject.replace(/[%/]/g, encodeURIComponent)}/`;
