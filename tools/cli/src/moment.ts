/** Points in time and starting points, as people type them. */
import { parseTime, type StartFrom } from "@distribution/client";
import { usageError } from "./exit.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const RELATIVE = /^-(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const NS_PER_MS = 1_000_000n;
/** A resume token: base64url, a dot, and a signature of 22 characters; longer than any time. */
const TOKEN = /^[\w-]{8,}\.[\w-]{22}$/;

/** `-15m`, `-1.5h`, RFC 3339, or Unix nanoseconds. Undefined: none of them. */
export function momentOf(text: string, nowMs: number): bigint | undefined {
  const relative = RELATIVE.exec(text);
  if (relative) {
    const ago = Number(relative[1]) * (UNITS_MS[relative[2] ?? ""] ?? 0);
    return BigInt(Math.round(nowMs - ago)) * NS_PER_MS;
  }
  if (/^\d{18,19}$/.test(text)) return BigInt(text);
  try {
    return parseTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  } catch {
    return undefined;
  }
}

const MOMENTS = 'a time like "-15m" or "2026-01-05T14:30:00Z"';

/** As text for the REST face. Throws a usage error. */
export function instantOption(name: string, text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined || text === "earliest" || text === "latest") {
    if (text === "latest") throw usageError(name, "latest is where a log ends; give a time, or take tail");
    return undefined;
  }
  const moment = momentOf(text, nowMs);
  if (moment === undefined) throw usageError(name, `"${text}" is no time; give ${MOMENTS}, or earliest`);
  return String(moment);
}

/** Throws a usage error. */
export function startOption(name: string, text: string | undefined, nowMs: number): StartFrom | undefined {
  if (text === undefined || text === "latest" || text === "earliest") return text;
  const time = momentOf(text, nowMs);
  if (time !== undefined) return { time };
  if (TOKEN.test(text)) return { token: text };
  throw usageError(name, `"${text}" is no start; give earliest, latest, ${MOMENTS}, or a resume token`);
}
