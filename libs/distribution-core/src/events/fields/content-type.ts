/** Which reader a content type asks for. */
import { usualMediaType } from "../media.ts";
import { utf8 } from "../slices.ts";

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

/** The same from bytes. The two usual spellings are recognised without making a string. */
export function payloadFormatOf(bytes: Uint8Array, start: number, end: number): PayloadFormat {
  const usual = usualMediaType(bytes, start, end);
  if (usual === "application/json") return JSON_PAYLOAD;
  if (usual === "application/protobuf") return PROTOBUF_PAYLOAD;
  return payloadFormat(utf8(bytes, start, end));
}
