/** What a history request asks for, and the cursor that carries its place to the next request. */
import { createHash } from "node:crypto";
import type { Position } from "../../brokers/contract.ts";
import { fieldError } from "../../errors.ts";
import type { Sealer } from "../../security/index.ts";
import type { HistoryRequest, PlacedEvent } from "../../tail/contract.ts";

const KIND = "history";
/** Partitions whose exact position a cursor carries, beyond those that must: bounds its length. */
const MAX_SPARE_POSITIONS = 32;

/** The request without its place: a cursor belongs to exactly one. */
export interface HistoryQuery {
  readonly topic: string;
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
  readonly keys: readonly string[];
  readonly filter: HistoryRequest["filter"];
}

interface CursorContent {
  /** Digest of the query. */
  readonly q: string;
  /** Append time of the last event given, Unix nanoseconds. */
  readonly t: string;
  /** Partition, epoch, offset of the last event given there. */
  readonly a: readonly (readonly [number, string, string])[];
}

/** Where a page begins: at the query's start, or after the page that the cursor ended. */
export function historyRequest(query: HistoryQuery, cursor: string | undefined, sealer: Sealer): HistoryRequest {
  const { topic, keys, filter, from, to } = query;
  const common = { topic, keys, ...(filter ? { filter } : {}), ...(to === undefined ? {} : { to }) };
  if (cursor === undefined) return { ...common, from: from === undefined ? { at: "earliest" } : { time: from } };
  const content = sealer.open(KIND, cursor, "query.cursor") as CursorContent;
  if (content.q !== digest(query)) {
    const message = "belongs to another query: repeat topic, from, to, keys and filter of the request that gave it";
    throw fieldError("invalid_token", "query.cursor", message);
  }
  const after = content.a.map(([partition, epoch, offset]) => ({ topic, partition, epoch, offset }));
  return { ...common, from: { time: BigInt(content.t) }, after };
}

export interface CursorBuilder {
  /** Each event that was given, in the order of the history. */
  add(event: PlacedEvent): void;
  /** Of the request that continues; the given cursor again when nothing was added. */
  cursor(): string | undefined;
}

/**
 * History is in order of append time across partitions, so partitions go on at the time of the last event given.
 * Those that gave events carry their position as well: needed where it has that very time, and elsewhere the means by
 * which the broker notices that retention took events between two pages.
 */
export function createCursorBuilder(
  query: HistoryQuery,
  request: HistoryRequest,
  given: string | undefined,
  sealer: Sealer,
): CursorBuilder {
  const last = new Map<number, { position: Position; appendedAt: bigint }>();
  // After the resumed positions, which are at or before its time, nothing of them is at that time any more.
  const resumedAt = "time" in request.from ? request.from.time : 0n;
  for (const position of request.after ?? []) last.set(position.partition, { position, appendedAt: resumedAt });
  let latest: bigint | undefined;

  return {
    add({ position, appendedAt }) {
      last.delete(position.partition);
      last.set(position.partition, { position, appendedAt });
      latest = appendedAt;
    },
    cursor() {
      const time = latest;
      if (time === undefined) return given;
      const newestFirst = [...last.values()].reverse();
      const kept = newestFirst.filter(({ appendedAt }, index) => appendedAt === time || index < MAX_SPARE_POSITIONS);
      const content: CursorContent = {
        q: digest(query),
        t: String(time),
        a: kept.map(({ position }) => [position.partition, position.epoch, position.offset]),
      };
      return sealer.seal(KIND, content);
    },
  };
}

function digest({ topic, from, to, keys, filter }: HistoryQuery): string {
  const text = JSON.stringify([topic, String(from), String(to), keys, filter?.canonical ?? null]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
