/** Which reader a content type asks for. */
import { startsWith, wordsOf } from "../words.ts";

export const OTHER = 0;
export const JSON_PAYLOAD = 1;
export const PROTOBUF_PAYLOAD = 2;
export type PayloadFormat = typeof OTHER | typeof JSON_PAYLOAD | typeof PROTOBUF_PAYLOAD;

/** Parameters are ignored and case does not count: `application/json; charset=utf-8`, `application/vnd.fill+JSON`. */
export function payloadFormat(contentType: string): PayloadFormat {
  const semicolon = contentType.indexOf(";");
  const type = (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  if (type === "application/json" || (type.endsWith("+json") && type.includes("/"))) return JSON_PAYLOAD;
  if (type === "application/protobuf" || type === "application/x-protobuf") return PROTOBUF_PAYLOAD;
  return OTHER;
}

const PLAIN_JSON = wordsOf("application/json");
const PLAIN_PROTOBUF = wordsOf("application/protobuf");

/** The same from bytes. The two usual spellings are recognised without making a string. */
export function payloadFormatOf(bytes: Uint8Array, start: number, end: number): PayloadFormat {
  const length = end - start;
  if (length === 4 * PLAIN_JSON.length && startsWith(bytes, start, PLAIN_JSON)) return JSON_PAYLOAD;
  if (length === 4 * PLAIN_PROTOBUF.length && startsWith(bytes, start, PLAIN_PROTOBUF)) return PROTOBUF_PAYLOAD;
  return payloadFormat(Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("utf8"));
}
