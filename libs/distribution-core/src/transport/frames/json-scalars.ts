/** Reading one JSON value as a scalar of a frame. Every refusal is `invalid_request` with the path and what to send. */
import { type DistributionError, fieldError } from "../../errors.ts";
import type { FieldType, ScalarKind } from "./shape.ts";
import { suggest } from "./suggest.ts";

const UINT32_MAX = 0xffff_ffff;

const INTEGERS = {
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
} as const;

type Reader = (value: unknown, path: string) => unknown;

export const SCALAR_READERS: Readonly<Record<ScalarKind, Reader>> = {
  string: readString,
  bool(value, path) {
    if (typeof value === "boolean") return value;
    throw expected(path, "true or false", value);
  },
  uint32(value, path) {
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= UINT32_MAX) return value;
    throw expected(path, `a whole number from 0 to ${UINT32_MAX}`, value);
  },
  int64: (value, path) => readInteger("int64", value, path),
  uint64: (value, path) => readInteger("uint64", value, path),
  double(value, path) {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw expected(path, "a number", value);
  },
};

export function readEnum(type: Extract<FieldType, { kind: "enum" }>, value: unknown, path: string): string {
  const name = typeof value === "string" ? type.values.get(value) : undefined;
  if (name !== undefined) return name;
  const short = [...type.values.keys()].filter((spelling) => spelling === spelling.toLowerCase());
  const meant = typeof value === "string" ? suggest(value, short) : undefined;
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  throw fieldError("invalid_request", path, `${describe(value)} is not one of ${short.join(", ")}${hint}`);
}

/** For messages: what was sent, shortened, never more than 40 characters of it. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

export function expected(path: string, what: string, value: unknown): DistributionError {
  return fieldError("invalid_request", path, `expected ${what}, got ${describe(value)}`);
}

function readString(value: unknown, path: string): string {
  if (typeof value !== "string") throw expected(path, "a string", value);
  if (!value.isWellFormed())
    throw fieldError("invalid_request", path, "has half of a surrogate pair; send valid Unicode");
  return value;
}

/** Beyond 2^53 only as a string: a JSON number has lost digits by the time that it is read. */
function readInteger(kind: keyof typeof INTEGERS, value: unknown, path: string): bigint {
  const { min, max } = INTEGERS[kind];
  const digits = typeof value === "string" && /^-?\d{1,20}$/.test(value);
  if (digits || Number.isSafeInteger(value)) {
    const integer = BigInt(value as string | number);
    if (integer >= min && integer <= max) return integer;
  }
  const what = `a whole number from ${min} to ${max}, as a string of digits when beyond ${Number.MAX_SAFE_INTEGER}`;
  throw expected(path, what, value);
}
