/** Names that come again with every message: each is made a string once, as long as no other one takes its slot. */

const SLOTS = 256;
/** Longer ones are hardly names. */
const LONGEST = 64;

interface Known {
  readonly bytes: Buffer;
  readonly name: string;
}

const known: (Known | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

/** The UTF-8 text at `start` up to, not including, `end`. */
export function nameIn(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > LONGEST) return bytes.toString("utf8", start, end);
  let hash = length;
  for (let at = start; at < end; at += 1) hash = (hash * 31 + bytes[at]!) & 0xffff;
  const slot = hash % SLOTS;
  const kept = known[slot];
  if (kept !== undefined && isAt(kept.bytes, bytes, start, length)) return kept.name;
  const name = bytes.toString("utf8", start, end);
  known[slot] = { bytes: Buffer.from(bytes.subarray(start, end)), name };
  return name;
}

function isAt(kept: Buffer, bytes: Buffer, start: number, length: number): boolean {
  if (kept.length !== length) return false;
  for (let at = 0; at < length; at += 1) if (kept[at] !== bytes[start + at]) return false;
  return true;
}
