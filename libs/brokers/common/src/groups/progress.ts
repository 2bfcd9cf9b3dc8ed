/**
 * Progress as short text, for stores that take little: Kafka gives 4,096 bytes of metadata with a commit.
 *
 * Offsets are whole decimal numbers joined by dots, as many in each. The text is `1;<epoch>;<floor>;<item>,<item> ...`, items in
 * the order of the log, each offset written as what it differs by from the offset before it in the text: one dot for each
 * leading number that is the same, the difference of the first that is not, and the rest as they are, in base 36. An item is
 * a settled event (`<offset>`), a settled range (`<from>-<to>`), or an event's attempts (`<offset>*<attempts>`).
 */
import type { Offset } from "@distribution/core/brokers";
import type { Progress } from "./contract.ts";

type Numbers = readonly bigint[];

interface Item {
  readonly from: Numbers;
  readonly to: Numbers;
  /** Attempts; 0: it is settled. */
  readonly times: number;
}

const VERSION = "1";
const RADIX = 36n;

/**
 * At most `maxBytes` bytes (characters: it is ASCII). What does not fit is left out from the far end, and so comes again:
 * events settled there, and attempts. Throws RangeError when not even epoch and floor fit, and on offsets of another shape.
 */
export function encodeProgress({ epoch, floor, above, attempts }: Progress, maxBytes: number): string {
  let before = parse(floor);
  let text = `${VERSION};${encodeURIComponent(epoch)};${before.join(".")};`;
  if (text.length > maxBytes) throw new RangeError(`Epoch and floor take ${text.length} of ${maxBytes} bytes.`);
  let separator = "";
  for (const { from, to, times } of itemsOf(above, attempts)) {
    let item = separator + difference(before, from);
    if (times > 0) item += `*${times.toString(36)}`;
    else if (compare(from, to) !== 0) item += `-${difference(from, to)}`;
    if (text.length + item.length > maxBytes) break;
    text += item;
    before = to;
    separator = ",";
  }
  return text;
}

/** In the order of the log. Ranges are read one by one, since there may be many more than fit. */
function* itemsOf(above: Progress["above"], attempts: Progress["attempts"]): Generator<Item> {
  const tried = attempts
    .map(([offset, times]): Item => ({ from: parse(offset), to: parse(offset), times }))
    .sort((a, b) => compare(a.from, b.from));
  let next = 0;
  for (const [from, to] of above) {
    const range = { from: parse(from), to: parse(to), times: 0 };
    while (next < tried.length && compare(tried[next]!.from, range.from) < 0) yield tried[next++]!;
    yield range;
  }
  yield* tried.slice(next);
}

/** What `encodeProgress` made; undefined when the text is anything else. */
export function decodeProgress(text: string): Progress | undefined {
  const match = /^1;([^;]*);(\d+(?:\.\d+)*);([0-9a-z.,*-]*)$/.exec(text);
  if (match === null) return undefined;
  const [, epoch, floor, items] = match as unknown as [string, string, string, string];
  const above: [Offset, Offset][] = [];
  const attempts: [Offset, number][] = [];
  let before = parse(floor);
  try {
    for (const item of items === "" ? [] : items.split(",")) {
      const [, first, sign, second] = /^([0-9a-z.]+)(?:([*-])([0-9a-z.]+))?$/.exec(item) ?? [];
      if (first === undefined) return undefined;
      const from = apply(before, first);
      const to = sign === "-" ? apply(from, second!) : from;
      if (sign === "*") attempts.push([from.join("."), Number.parseInt(second!, 36)]);
      else above.push([from.join("."), to.join(".")]);
      before = to;
    }
    return { epoch: decodeURIComponent(epoch), floor, above, attempts };
  } catch (failure) {
    if (failure instanceof RangeError || failure instanceof URIError) return undefined;
    throw failure;
  }
}

function parse(offset: Offset): Numbers {
  if (!/^\d+(\.\d+)*$/.test(offset)) throw new RangeError(`The offset ${offset} is not made of whole numbers.`);
  return offset.split(".").map(BigInt);
}

function compare(a: Numbers, b: Numbers): number {
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return a[at]! < b[at]! ? -1 : 1;
  return 0;
}

/** `to` is after `from`, or the same. */
function difference(from: Numbers, to: Numbers): string {
  let at = 0;
  while (at < to.length - 1 && from[at] === to[at]) at += 1;
  const rest = to.slice(at + 1).map((number) => `.${number.toString(36)}`);
  return `${".".repeat(at)}${(to[at]! - from[at]!).toString(36)}${rest.join("")}`;
}

/** Throws RangeError on text that `difference` does not make. */
function apply(from: Numbers, text: string): Numbers {
  const at = /^\.*/.exec(text)![0].length;
  const rest = text.slice(at).split(".").map(fromBase36);
  if (at + rest.length !== from.length) throw new RangeError(`${text} is no offset`);
  return [...from.slice(0, at), from[at]! + rest[0]!, ...rest.slice(1)];
}

function fromBase36(text: string): bigint {
  if (!/^[0-9a-z]+$/.test(text)) throw new RangeError(`${text} is no number`);
  let value = 0n;
  for (const digit of text) value = value * RADIX + BigInt(Number.parseInt(digit, 36));
  return value;
}
