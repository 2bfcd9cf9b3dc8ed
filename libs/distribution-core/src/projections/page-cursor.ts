/** Cursors of pages: after which place of which list to go on. Opaque to clients; not signed, as they open nothing. */
import { fieldError } from "../errors.ts";
import type { SortKey } from "./contract.ts";
import type { Place } from "./sorted-list.ts";

/** What a cursor may be used for again: projection, index, group and order. */
export type ListName = readonly string[];

const KINDS = { s: String, n: Number, b: BigInt } as const;
type Kind = keyof typeof KINDS;

/** The same list has the same cursors whoever makes them: nothing in them is of this process. */
export function writeCursor(list: ListName, { sort, key }: Place): string {
  return Buffer.from(JSON.stringify([list, kindOf(sort), String(sort), key])).toString("base64url");
}

/** Throws `invalid_request` at `cursor` on what is no cursor, or none of this list. */
export function readCursor(list: ListName, text: string): Place {
  const [of, kind, sort, key, ...more] = parse(text);
  const whole = isKind(kind) && typeof sort === "string" && typeof key === "string" && more.length === 0;
  if (!whole || JSON.stringify(of) !== JSON.stringify(list)) {
    throw fieldError(
      "invalid_request",
      "cursor",
      "is none that this list gave in this order; leave it out to begin, or repeat the request that gave it with it alone added",
    );
  }
  return { sort: parseSort(kind, sort), key };
}

const kindOf = (sort: SortKey): Kind => (typeof sort === "string" ? "s" : typeof sort === "number" ? "n" : "b");
const isKind = (kind: unknown): kind is Kind => typeof kind === "string" && Object.hasOwn(KINDS, kind);

function parse(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** Only digits, so that no long work hides in a number of a client. */
function parseSort(kind: Kind, text: string): SortKey {
  if (kind !== "b") return KINDS[kind](text);
  if (!/^-?\d{1,40}$/.test(text)) throw fieldError("invalid_request", "cursor", "is damaged; leave it out to begin");
  return BigInt(text);
}
