/** JSON whose numbers keep their digits: one that a float would change is kept as its text until it is written again. */

/** ECMAScript's "JSON.parse source text access", which TypeScript's library does not know yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}
const exact = JSON as unknown as ExactJson;

/** For JSON.stringify. Throws SyntaxError. */
export const parseExact = (text: string): unknown =>
  exact.parse(text, (_name, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? exact.rawJSON(source) : value,
  );

/** A text or a number as it was written. Undefined: it is neither. */
export function textOrNumber(value: unknown): string | undefined {
  if (exact.isRawJSON(value)) return value.rawJSON;
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
