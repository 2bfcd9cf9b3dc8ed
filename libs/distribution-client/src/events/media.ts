/** Media types of payloads. */

/** `application/json` and anything `+json`, whatever the parameters. */
export function isJsonType(contentType: string): boolean {
  const essence = contentType.split(";", 1)[0]!.trim().toLowerCase();
  return essence === "application/json" || essence === "text/json" || essence.endsWith("+json");
}
