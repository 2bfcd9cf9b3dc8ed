/** Media types of payloads. */
import { startsWith, wordsOf } from "./words.ts";

const PROTOBUF = "application/protobuf";
const JSON_TYPE = "application/json";
const PROTOBUF_WORDS = wordsOf(PROTOBUF);
const JSON_WORDS = wordsOf(JSON_TYPE);

/** The media type in `bytes[start, end)` where it is one of the two usual ones, spelled as usual. Makes no string. */
export function usualMediaType(
  bytes: Uint8Array,
  start: number,
  end: number,
): typeof PROTOBUF | typeof JSON_TYPE | undefined {
  const length = end - start;
  if (length === PROTOBUF.length && startsWith(bytes, start, PROTOBUF_WORDS)) return PROTOBUF;
  if (length === JSON_TYPE.length && startsWith(bytes, start, JSON_WORDS)) return JSON_TYPE;
  return undefined;
}

/** How a payload is read: `text` is what JSON carries as a string, `binary` everything that is not known. */
export type PayloadKind = "protobuf" | "json" | "text" | "binary";

/** What the media type says of a payload. Parameters and letter case do not count; an empty type is `binary`. */
export function payloadKind(contentType: string): PayloadKind {
  if (contentType === PROTOBUF) return "protobuf";
  if (contentType === JSON_TYPE) return "json";
  const essence = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (essence.endsWith("/json") || essence.endsWith("+json")) return "json";
  if (essence === PROTOBUF || essence === "application/x-protobuf") return "protobuf";
  return isText(essence, contentType) ? "text" : "binary";
}

/** Text in UTF-8; in another character set it is as good as binary. */
function isText(essence: string, contentType: string): boolean {
  if (!essence.startsWith("text/") && essence !== "application/xml" && !essence.endsWith("+xml")) return false;
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset);
}
