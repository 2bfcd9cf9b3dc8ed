/** The newest findings of one symbol and kind, and which of them is the latest for somebody. Plain data, saved as it is. */
import { fieldError } from "@distribution/core/errors";
import type { Finding } from "./findings.ts";

export interface NewestFindings {
  readonly symbol: string;
  /** By when they were found out, oldest first; equal ones in the order of the log. */
  readonly findings: Finding[];
  /** In memory, about. */
  bytes: number;
}

/**
 * The same, with the finding in its place: one that was found out earlier and came later is no newer for that. At the bound
 * the oldest goes. Throws `event_conflict` for one that is known, which the log has twice.
 */
export function addFinding(newest: NewestFindings | undefined, finding: Finding, limit: number): NewestFindings {
  const list = newest ?? { symbol: finding.symbol, findings: [], bytes: 0 };
  const { findings } = list;
  if (findings.some(({ intelligenceId }) => intelligenceId === finding.intelligenceId)) {
    throw fieldError("event_conflict", "data.intelligence_id", "is that of an earlier finding.");
  }
  let at = findings.length;
  while (at > 0 && findings[at - 1]!.producedAt > finding.producedAt) at -= 1;
  findings.splice(at, 0, finding);
  list.bytes += bytesOf(finding);
  const oldest = findings.length > limit ? findings.shift() : undefined;
  if (oldest) list.bytes -= bytesOf(oldest);
  return list;
}

/** The newest that will do. */
export function latestOf({ findings }: NewestFindings, wanted: (finding: Finding) => boolean): Finding | undefined {
  return findings.findLast(wanted);
}

/** `now`: Unix nanoseconds. */
export const isExpired = ({ validUntil }: Finding, now: bigint): boolean => validUntil !== 0n && validUntil <= now;

/** How many of them may not be used any more: the answer changes with it, without any event. */
export function countExpired({ findings }: NewestFindings, now: bigint): number {
  return findings.reduce((count, finding) => count + (isExpired(finding, now) ? 1 : 0), 0);
}

/** What a finding takes in memory, about: a slot for each field, and the characters of its texts. */
export function bytesOf({ intelligenceId, symbol, confidence, targetWorkflows, details }: Finding): number {
  let bytes = 400 + intelligenceId.length + symbol.length + confidence.length;
  for (const workflow of targetWorkflows) bytes += 24 + workflow.length;
  for (const value of Object.values(details)) {
    bytes += 24;
    if (typeof value === "string") bytes += value.length;
    else if (Array.isArray(value)) for (const id of value as readonly string[]) bytes += 24 + id.length;
  }
  return bytes;
}
