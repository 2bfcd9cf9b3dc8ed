/** Points in time in requests: RFC 3339 with up to nine digits of a second, or Unix nanoseconds. */
import { DistributionError, fieldError } from "../../errors.ts";
import { parseTime } from "../../events/index.ts";
import { type ParameterKind, quote } from "./parameters.ts";

const MAX_NS = 2n ** 63n - 1n;
/** March 1973: a smaller number is seconds, milliseconds or microseconds by mistake. */
const SMALLEST_PLAUSIBLE_NS = 100_000_000_000_000_000n;

/** Unix nanoseconds. 0 is the beginning of time. */
export function instant(): ParameterKind<bigint> {
  return {
    schema: {
      type: "string",
      description: "RFC 3339, or Unix nanoseconds as an integer.",
      examples: ["2026-01-05T14:30:00.123456789Z", "1767623400123456789"],
    },
    parse: (text, path) => (/^\d+$/.test(text) ? parseNanoseconds(text, path) : parseTimestamp(text, path)),
  };
}

function parseNanoseconds(text: string, path: string): bigint {
  const ns = text.length > 19 ? MAX_NS + 1n : BigInt(text);
  if (ns > MAX_NS) throw fieldError("invalid_request", path, `${quote(text)} is beyond ${MAX_NS}, the end of 64 bits`);
  if (ns !== 0n && ns < SMALLEST_PLAUSIBLE_NS) {
    throw fieldError("invalid_request", path, `${text} is before 1973: a number means nanoseconds since 1970`);
  }
  return ns;
}

function parseTimestamp(text: string, path: string): bigint {
  try {
    return parseTime(text, path);
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    const message = `${failure.errors[0]?.message ?? failure.message} A + in a URL is %2B; Unix nanoseconds are taken as well; left out, there is no bound.`;
    throw fieldError("invalid_request", path, message);
  }
}
