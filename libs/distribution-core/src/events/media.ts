/** Media types of payloads. */

/** How a payload is read: `text` is what JSON carries as a string, `binary` everything that is not known. */
export type PayloadKind = "protobuf" | "json" | "text" | "binary";

/** What the media type says of a payload. Parameters and letter case do not count; an empty type is `binary`. */
export function payloadKind(contentType: string): PayloadKind {
  if (contentType === "application/protobuf") return "protobuf";
  if (contentType === "application/json") return "json";
  const essence = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (essence.endsWith("/json") || essence.endsWith("+json")) return "json";
  if (essence === "application/protobuf" || essence === "application/x-protobuf") return "protobuf";
  return isText(essence, contentType) ? "text" : "binary";
}

/** Text in UTF-8; in another character set it is as good as binary. */
function isText(essence: string, contentType: string): boolean {
  if (!essence.startsWith("text/") && essence !== "application/xml" && !essence.endsWith("+xml")) return false;
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset);
}
