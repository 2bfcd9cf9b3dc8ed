/** The query of an event stream into the `subscribe` frame that it stands for. */
import { fieldError } from "../../errors.ts";

/** One value: parameters that may come once. */
const SINGLE = ["filter", "mode", "maxRate", "snapshot", "format", "from", "slow"] as const;
/** Several values, by commas or by repetition. */
const LISTS = ["keys", "projection"] as const;

const MODES = ["every", "latest"];

type Single = (typeof SINGLE)[number];

/**
 * A ClientFrame's JSON. `from` is `latest`, `earliest`, Unix nanoseconds, an RFC 3339 time or a resume token; `lastEventId`, which
 * EventSource sends when it reconnects, goes before it. Throws `invalid_request` with the parameter's name.
 */
export function subscribeFrame(topic: string, query: URLSearchParams, lastEventId: string | undefined): string {
  refuseUnknown(query);
  const single = (name: Single): string | undefined => readSingle(query, name);
  const mode = single("mode");
  if (mode !== undefined && !MODES.includes(mode)) {
    throw fieldError("invalid_request", "mode", `is not one of ${MODES.join(", ")}`);
  }
  const profile = {
    mode,
    maxRate: readNumber(single("maxRate")),
    snapshot: readFlag(single("snapshot")),
    slow: single("slow"),
  };
  const subscribe = {
    topics: [topic],
    keys: readList(query, "keys"),
    projection: readList(query, "projection"),
    filter: single("filter"),
    format: single("format"),
    from: lastEventId ? { token: lastEventId } : readStart(single("from")),
    profile,
  };
  return JSON.stringify({ ref: SUBSCRIBE_REF, subscribe });
}

/** The ref of the frame above: its answer decides what the HTTP request is answered with. */
export const SUBSCRIBE_REF = "sse";

/** Where the request has what the frame has at this path: the parameter's name, or `topic` for that of the URL. */
export function parameterOf(path: string): string {
  const name = /^subscribe\.(?:profile\.)?(\w+)/.exec(path)?.[1];
  return name === "topics" ? "topic" : (name ?? path);
}

function refuseUnknown(query: URLSearchParams): void {
  const known: readonly string[] = [...SINGLE, ...LISTS];
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw fieldError("invalid_request", name.slice(0, 64), `unknown parameter; known are ${known.join(", ")}`);
    }
  }
}

function readSingle(query: URLSearchParams, name: Single): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw fieldError("invalid_request", name, "is given twice; give it once");
  return values[0];
}

function readList(query: URLSearchParams, name: (typeof LISTS)[number]): string[] {
  return query.getAll(name).flatMap((value) => value.split(",").filter((part) => part !== ""));
}

function readNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw fieldError("invalid_request", "maxRate", "expected flushes a second, a number from 0");
}

function readFlag(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "true" || text === "false")
    return text === undefined ? undefined : text === "true";
  throw fieldError("invalid_request", "snapshot", "expected true or false");
}

function readStart(from: string | undefined): object | undefined {
  if (from === undefined || from === "") return undefined;
  if (from === "latest" || from === "earliest") return { [from]: true };
  if (/^\d{1,19}$/.test(from)) return { time: from };
  if (/^\d{4}-\d\d-\d\dT/.test(from)) return { time: unixNanoseconds(from) };
  return { token: from };
}

/** RFC 3339 with up to nine digits of a second's fraction; Date.parse reads three. */
function unixNanoseconds(text: string): string {
  const fraction = /\.(\d{1,9})\d*(?=Z|[+-]\d\d:\d\d$)/i.exec(text);
  const seconds = Date.parse(fraction ? text.replace(fraction[0], "") : text) / 1000;
  if (!Number.isInteger(seconds)) {
    throw fieldError(
      "invalid_request",
      "from",
      "expected a time such as 2025-11-03T14:30:00Z, or latest, earliest, a token",
    );
  }
  return String(BigInt(seconds) * 1_000_000_000n + BigInt((fraction?.[1] ?? "").padEnd(9, "0")));
}
