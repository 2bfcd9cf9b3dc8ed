/** Which JSON values the proto3 JSON mapping takes for a scalar or enum field. Stricter than it where it would guess. */
import { ScalarType } from "@bufbuild/protobuf";
import type { FieldPlan } from "./plan.ts";

const INTEGER = /^-?\d{1,20}$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/;

const MAX_FLOAT = 3.4028234663852886e38;
const INT32 = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const UINT32 = { min: 0n, max: 2n ** 32n - 1n };
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT64 = { min: 0n, max: 2n ** 64n - 1n };

type Range = typeof INT32;

/** What is wrong with the value for this field, for an error message; undefined when nothing is. */
export function scalarFault(field: FieldPlan, value: unknown): string | undefined {
  if (field.enum !== undefined) return enumFault(field, value);
  switch (field.type) {
    case ScalarType.STRING:
      return typeof value === "string" && value.isWellFormed() ? undefined : "It is a string of valid Unicode.";
    case ScalarType.BOOL:
      return typeof value === "boolean" ? undefined : "It is true or false.";
    case ScalarType.BYTES:
      return isBase64(value) ? undefined : "It is a string of base64.";
    case ScalarType.DOUBLE:
      return floatFault(value, Number.MAX_VALUE);
    case ScalarType.FLOAT:
      return floatFault(value, MAX_FLOAT);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integerFault(value, INT32);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerFault(value, UINT32);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return integerFault(value, UINT64);
    default:
      return integerFault(value, INT64);
  }
}

function enumFault(field: FieldPlan, value: unknown): string | undefined {
  const plan = field.enum!;
  if (value === null && plan.isNull) return undefined;
  if (typeof value === "string" && plan.names.has(value)) return undefined;
  if (typeof value === "number" && value === (value | 0)) return undefined;
  const names = [...plan.names];
  return `It is one of ${names.slice(0, 20).join(", ")}${names.length > 20 ? " ..." : ""}, or the number of one.`;
}

function integerFault(value: unknown, range: Range): string | undefined {
  const rule = `It is an integer from ${range.min} to ${range.max}`;
  if (typeof value === "number") {
    if (!Number.isInteger(value)) return `${rule}.`;
    if (!Number.isSafeInteger(value)) return `${rule}; beyond 2^53 send it as a string, a JSON number loses digits.`;
    return value >= range.min && value <= range.max ? undefined : `${rule}.`;
  }
  if (typeof value !== "string" || !INTEGER.test(value)) return `${rule}, as a number or a string of digits.`;
  const number = BigInt(value);
  return number >= range.min && number <= range.max ? undefined : `${rule}.`;
}

function floatFault(value: unknown, max: number): string | undefined {
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return undefined;
  const number = typeof value === "string" && NUMBER.test(value) ? Number(value) : value;
  if (typeof number === "number" && Math.abs(number) <= max) return undefined;
  return `It is a number of magnitude up to ${max}, or "NaN", "Infinity" or "-Infinity".`;
}

/** Either alphabet, with or without padding, but no length that base64 cannot have. */
function isBase64(value: unknown): boolean {
  if (typeof value !== "string" || !BASE64.test(value)) return false;
  const digits = value.replace(/=+$/, "").length;
  return digits % 4 !== 1 && (digits === value.length || value.length % 4 === 0);
}
