/**
 * JSON text from strangers, and JSON text kept as it was sent. `JSON.parse` alone lets the last of two equal names win,
 * takes any depth, and rounds long numbers; so hostile text is refused here, and values that are only passed on are cut
 * out of the text instead of being parsed and written again.
 */
import { isUtf8 } from "node:buffer";
import { type EventPath, excerpt, invalidEvent, pathText } from "./path.ts";
import { utf8 } from "./slices.ts";

/** Deepest nesting of objects and arrays, levels. */
export const MAX_JSON_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** A value within a text: `text.slice(start, end)`. */
export interface JsonSpan {
  readonly start: number;
  readonly end: number;
}

export interface JsonMember extends JsonSpan {
  readonly name: string;
}

/** Bytes as text. Throws `invalid_event` on invalid UTF-8. */
export function jsonText(bytes: Uint8Array, start: number, end: number, path: EventPath): string {
  if (!isUtf8(bytes.subarray(start, end))) throw invalidEvent(path, "It is not valid UTF-8.");
  return utf8(bytes, start, end);
}

/**
 * The value of a JSON text. Throws `invalid_event` at the place in question when it is no JSON, is nested deeper than
 * `maxDepth`, names a member twice in one object, or names one `__proto__`.
 */
export function parseJson(text: string, path: EventPath, maxDepth = MAX_JSON_DEPTH): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (failure) {
    throw invalidEvent(path, `It is no JSON: ${failure instanceof Error ? failure.message : "unreadable"}.`);
  }
  checkStructure(text, path, maxDepth);
  return value;
}

/** What `parseJson` refuses beyond bad syntax, for values that somebody else has parsed. */
export function checkJsonValue(value: unknown, path: EventPath, maxDepth = MAX_JSON_DEPTH): void {
  if (typeof value !== "object" || value === null) return;
  if (maxDepth === 0) throw tooDeep(pathText(path), MAX_JSON_DEPTH);
  const isList = Array.isArray(value);
  for (const [name, member] of Object.entries(value)) {
    if (!isList && name === "__proto__") throw protoName(pathText(path));
    if (typeof member === "object" && member !== null) {
      checkJsonValue(member, memberPath(pathText(path), isList ? Number(name) : name), maxDepth - 1);
    }
  }
}

/** The path of a member of an object, or of an element of a list, below `path`. */
export function memberPath(path: string, member: string | number): string {
  if (typeof member === "number") return `${path}[${member}]`;
  return /^[A-Za-z_$][\w$]*$/.test(member) ? `${path}.${member}` : `${path}[${excerpt(member)}]`;
}

/** The members of the object that starts at `start`. The text is JSON: it went through `parseJson`. */
export function membersOf(text: string, start: number): JsonMember[] {
  const members: JsonMember[] = [];
  let pos = skipSpace(text, start + 1);
  while (text[pos] === '"') {
    const nameEnd = skipString(text, pos);
    const name = unquote(text, pos, nameEnd);
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = skipValue(text, valueStart);
    members.push({ name, start: valueStart, end });
    pos = skipSpace(text, end);
    if (text[pos] === ",") pos = skipSpace(text, pos + 1);
  }
  return members;
}

/** The elements of the list that starts at `start`. The text is JSON: it went through `parseJson`. */
export function elementsOf(text: string, start: number): JsonSpan[] {
  const elements: JsonSpan[] = [];
  let pos = skipSpace(text, start + 1);
  while (text[pos] !== "]") {
    const end = skipValue(text, pos);
    elements.push({ start: pos, end });
    pos = skipSpace(text, end);
    if (text[pos] === ",") pos = skipSpace(text, pos + 1);
  }
  return elements;
}

/** The position of the first character at or after `pos` that is not white space. */
export function skipSpace(text: string, pos: number): number {
  let at = pos;
  for (let code = text.charCodeAt(at); code === 0x20 || (code >= 0x09 && code <= 0x0d); code = text.charCodeAt(at))
    at += 1;
  return at;
}

/** The string whose quotes are at `start` and before `end`. */
function unquote(text: string, start: number, end: number): string {
  const inside = text.slice(start + 1, end - 1);
  return inside.includes("\\") ? (JSON.parse(text.slice(start, end)) as string) : inside;
}

function skipString(text: string, start: number): number {
  let pos = start + 1;
  for (let code = text.charCodeAt(pos); code !== QUOTE; code = text.charCodeAt(pos)) {
    if (pos >= text.length) throw truncated();
    pos += code === BACKSLASH ? 2 : 1;
  }
  return pos + 1;
}

function skipValue(text: string, start: number): number {
  let depth = 0;
  let pos = start;
  do {
    const code = text.charCodeAt(pos);
    if (code === QUOTE) pos = skipString(text, pos);
    else {
      if (code === OPEN_OBJECT || code === OPEN_LIST) depth += 1;
      else if (code === CLOSE_OBJECT || code === CLOSE_LIST) depth -= 1;
      else if (pos >= text.length) throw truncated();
      else if (depth === 0) return skipScalar(text, pos);
      pos += 1;
    }
  } while (depth > 0);
  return pos;
}

/** A number, true, false or null: everything up to a comma, a bracket or white space. */
function skipScalar(text: string, start: number): number {
  let pos = start;
  for (
    let code = text.charCodeAt(pos);
    code > 0x20 && code !== COMMA && code !== CLOSE_LIST && code !== CLOSE_OBJECT;
  ) {
    pos += 1;
    code = text.charCodeAt(pos);
  }
  return pos;
}

/** One open object or list of the text: where it is, and in an object the names so far. */
interface Level {
  readonly names: Set<string> | undefined;
  /** The member or element that is being read. */
  at: string | number;
}

function checkStructure(text: string, path: EventPath, maxDepth: number): void {
  const levels: Level[] = [];
  let expectName = false;
  for (let pos = 0; pos < text.length; ) {
    const code = text.charCodeAt(pos);
    if (code === QUOTE) {
      const end = skipString(text, pos);
      if (expectName) addName(unquote(text, pos, end), levels, path);
      expectName = false;
      pos = end;
      continue;
    }
    if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (levels.length === maxDepth) throw tooDeep(placeOf(path, levels), maxDepth);
      levels.push({ names: code === OPEN_OBJECT ? new Set() : undefined, at: code === OPEN_OBJECT ? "" : 0 });
      expectName = code === OPEN_OBJECT;
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      levels.pop();
      expectName = false;
    } else if (code === COMMA) {
      const level = levels.at(-1)!;
      if (typeof level.at === "number") level.at += 1;
      else expectName = true;
    }
    pos += 1;
  }
}

function addName(name: string, levels: readonly Level[], path: EventPath): void {
  const level = levels.at(-1)!;
  if (name === "__proto__") throw protoName(placeOf(path, levels.slice(0, -1)));
  level.at = name;
  if (level.names?.has(name))
    throw invalidEvent(placeOf(path, levels), "The object has this name twice. Send it once.");
  level.names?.add(name);
}

function placeOf(path: EventPath, levels: readonly Level[]): string {
  return levels.reduce((place, level) => memberPath(place, level.at), pathText(path));
}

function tooDeep(path: string, limit: number) {
  return invalidEvent(path, `JSON is nested here deeper than ${limit} levels, the limit. Flatten it.`);
}

/** Text that went through parseJson never gets here; the others must not make a scan endless. */
function truncated() {
  return invalidEvent("event.data", "The JSON text ends within a value.");
}

function protoName(path: string) {
  return invalidEvent(path, 'An object may have no member "__proto__". Rename it.');
}
