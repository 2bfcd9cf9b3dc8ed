/** Kinds of request parameters: each is a JSON Schema for the documents and the check that holds requests to it. */
import { fieldError } from "../../errors.ts";
import type { JsonSchema, ParameterDocument } from "../documents/operation-document.ts";

/** How one value is written and read. */
export interface ParameterKind<T> {
  readonly schema: JsonSchema;
  /** Throws `invalid_request` at `path`, with the limit and what to do. */
  parse(text: string, path: string): T;
}

export interface Parameter<T> extends ParameterDocument {
  parse(text: string | undefined, path: string): T;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** What the handler gets. */
export type ParameterValues<P extends Parameters> = {
  readonly [Name in keyof P]: P[Name] extends Parameter<infer T> ? T : never;
};

interface Description {
  readonly description: string;
  readonly example?: string | number;
}

const bad = (path: string, message: string) => fieldError("invalid_request", path, message);

/** A part of the path: always there. */
export function pathParameter<T>(kind: ParameterKind<T>, about: Description): Parameter<T> {
  return { ...required(kind), ...about, in: "path" };
}

export function requiredQuery<T>(kind: ParameterKind<T>, about: Description): Parameter<T> {
  return { ...required(kind), ...about, in: "query" };
}

export function optionalQuery<T>(kind: ParameterKind<T>, about: Description): Parameter<T | undefined> {
  return { ...optional(kind), ...about, in: "query" };
}

/** A query parameter with a value of its own when the request gives none; the document names it. */
export function defaultedQuery<T extends string | number | boolean>(
  kind: ParameterKind<T>,
  fallback: T,
  about: Description,
): Parameter<T> {
  return {
    ...about,
    in: "query",
    required: false,
    schema: { ...kind.schema, default: fallback },
    parse: (text, path) => (text === undefined ? fallback : kind.parse(text, path)),
  };
}

export function optionalHeader<T>(kind: ParameterKind<T>, about: Description): Parameter<T | undefined> {
  return { ...optional(kind), ...about, in: "header" };
}

function required<T>(kind: ParameterKind<T>) {
  return {
    required: true,
    schema: kind.schema,
    parse(text: string | undefined, path: string): T {
      if (text === undefined) throw bad(path, "is required; add it to the request");
      return kind.parse(text, path);
    },
  };
}

function optional<T>(kind: ParameterKind<T>) {
  return {
    required: false,
    schema: kind.schema,
    parse: (text: string | undefined, path: string) => (text === undefined ? undefined : kind.parse(text, path)),
  };
}

/** A whole number in decimal digits, no sign, no exponent. */
export function integer(range: { readonly min: number; readonly max: number }): ParameterKind<number> {
  const { min, max } = range;
  return {
    schema: { type: "integer", minimum: min, maximum: max },
    parse(text, path) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= min && value <= max) return value;
      throw bad(path, `${quote(text)} is no whole number from ${min} to ${max}`);
    },
  };
}

/** UTF-8 text of 1 to `maxBytes` bytes without control characters. */
export function text(bound: { readonly maxBytes: number }): ParameterKind<string> {
  return {
    schema: { type: "string", minLength: 1, maxLength: bound.maxBytes },
    parse(value, path) {
      checkText(value, path, bound.maxBytes);
      return value;
    },
  };
}

export function oneOf<const T extends string>(values: readonly T[]): ParameterKind<T> {
  return {
    schema: { type: "string", enum: values },
    parse(value, path) {
      const known = values.find((candidate) => candidate === value);
      if (known === undefined) throw bad(path, `${quote(value)} is none of ${values.join(", ")}`);
      return known;
    },
  };
}

/** Items with commas between; `\,` is a comma inside an item and `\\` a backslash. The order and repeats do not matter. */
export function textList(bound: {
  readonly maxItems: number;
  readonly maxItemBytes: number;
}): ParameterKind<readonly string[]> {
  return {
    schema: { type: "string", minLength: 1, description: "Comma-separated; \\, is a comma inside an item." },
    parse(value, path) {
      const items = splitList(value, path);
      if (items.length > bound.maxItems) {
        throw bad(path, `${items.length} items are over the limit of ${bound.maxItems}; ask in several requests`);
      }
      for (const [index, item] of items.entries()) checkText(item, `${path}[${index}]`, bound.maxItemBytes);
      return [...new Set(items)].sort();
    },
  };
}

function splitList(value: string, path: string): string[] {
  const items: string[] = [];
  let item = "";
  for (let at = 0; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === "\\") {
      at += 1;
      const next = value.charAt(at);
      if (next !== "," && next !== "\\") throw bad(path, "a backslash stands before a comma or a backslash only");
      item += next;
    } else if (character === ",") {
      items.push(item);
      item = "";
    } else {
      item += character;
    }
  }
  items.push(item);
  return items;
}

function checkText(value: string, path: string, maxBytes: number): void {
  if (value === "") throw bad(path, "is empty; leave it out or give it a value");
  const bytes = Buffer.byteLength(value);
  if (bytes > maxBytes) throw bad(path, `${bytes} bytes are over the limit of ${maxBytes}`);
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) throw bad(path, `has a control character at ${at}; take it out`);
  }
}

/** For messages: what was sent, cut to a readable length. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
}
