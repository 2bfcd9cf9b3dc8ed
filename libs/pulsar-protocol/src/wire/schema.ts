/**
 * Messages as tables of field numbers, encoded and decoded by walking the table: for commands that are rare. What each
 * message takes (SEND, MESSAGE, metadata) is written by hand elsewhere.
 */
import { WireReader } from "./reader.ts";
import { varint64Size, varintSize, writeVarint, writeVarint64 } from "./writer.ts";

/** `uint` is a number below 2^53, `int` an int32; `u64` and `i64` are bigints. A table is a message, in an array: repeated. */
type Kind = "uint" | "int" | "u64" | "i64" | "bool" | "string" | "bytes" | "i64s" | Table | readonly [Table];
export interface Table {
  readonly [name: string]: readonly [field: number, kind: Kind];
}

type ValueOf<K> = K extends "uint" | "int"
  ? number
  : K extends "u64" | "i64"
    ? bigint
    : K extends "bool"
      ? boolean
      : K extends "string"
        ? string
        : K extends "bytes"
          ? Uint8Array
          : K extends "i64s"
            ? readonly bigint[]
            : K extends readonly [infer T extends Table]
              ? readonly Message<T>[]
              : K extends Table
                ? Message<K>
                : never;

/** Fields that are absent stay absent: what is required is for the caller to know. */
export type Message<T extends Table> = { readonly [Name in keyof T]?: ValueOf<T[Name][1]> | undefined };

export function encode<T extends Table>(table: T, message: Message<T>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, [field, kind]] of Object.entries(table)) {
    const value: unknown = message[name];
    if (value !== undefined) encodeField(parts, field, kind, value);
  }
  return Buffer.concat(parts);
}

function encodeField(parts: Buffer[], field: number, kind: Kind, value: unknown): void {
  if (kind === "string") parts.push(...delimited(field, Buffer.from(value as string, "utf8")));
  else if (kind === "bytes") parts.push(...delimited(field, value as Uint8Array));
  else if (kind === "i64s") for (const each of value as readonly bigint[]) parts.push(number(field, each));
  else if (Array.isArray(kind)) {
    for (const each of value as readonly Message<Table>[])
      parts.push(...delimited(field, encode(kind[0] as Table, each)));
  } else if (typeof kind === "object") parts.push(...delimited(field, encode(kind as Table, value as Message<Table>)));
  else parts.push(number(field, BigInt(value as number | bigint | boolean)));
}

function number(field: number, value: bigint): Buffer {
  const into = Buffer.allocUnsafe(varintSize(field * 8) + varint64Size(value));
  writeVarint64(into, writeVarint(into, 0, field * 8), value);
  return into;
}

function delimited(field: number, bytes: Uint8Array): [Buffer, Buffer] {
  const head = Buffer.allocUnsafe(varintSize(field * 8 + 2) + varintSize(bytes.length));
  writeVarint(head, writeVarint(head, 0, field * 8 + 2), bytes.length);
  return [head, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)];
}

/** Unknown fields are skipped. Throws `protocol`. */
export function decode<T extends Table>(table: T, bytes: Buffer, start = 0, end = bytes.length): Message<T> {
  const reader = new WireReader(bytes, start, end);
  const message: Record<string, unknown> = {};
  while (reader.next()) {
    const found = namesOf(table).get(reader.field);
    if (found === undefined) reader.skip();
    else decodeField(reader, message, found, table[found]![1]);
  }
  return message as Message<T>;
}

function decodeField(reader: WireReader, message: Record<string, unknown>, name: string, kind: Kind): void {
  if (kind === "i64s") {
    const values = (message[name] ?? []) as bigint[];
    message[name] = values;
    if (reader.wireType === 0) values.push(reader.int64());
    else for (const end = reader.delimited(); reader.pos < end; ) values.push(reader.int64());
  } else if (typeof kind === "object") {
    const end = reader.delimited();
    const value = decode((Array.isArray(kind) ? kind[0] : kind) as Table, reader.bytes, reader.pos, end);
    reader.pos = end;
    message[name] = Array.isArray(kind) ? [...((message[name] ?? []) as unknown[]), value] : value;
  } else if (kind === "string" || kind === "bytes") {
    message[name] = kind === "string" ? reader.text() : reader.view();
  } else if (reader.wireType !== 0) reader.skip();
  else if (kind === "uint") message[name] = reader.varint();
  else if (kind === "int") message[name] = reader.int32();
  else if (kind === "u64") message[name] = reader.uint64();
  else if (kind === "i64") message[name] = reader.int64();
  else message[name] = reader.bool();
}

const names = new WeakMap<Table, Map<number, string>>();

function namesOf(table: Table): Map<number, string> {
  let found = names.get(table);
  if (found === undefined) {
    found = new Map(Object.entries(table).map(([name, [field]]) => [field, name]));
    names.set(table, found);
  }
  return found;
}
