/** Payloads of drafts: decoded before the first step, encoded after the last. */

import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { fieldError } from "../errors.ts";
import { type PayloadCodec, payloadKind } from "../events/index.ts";
import { jsonText, parseJson } from "../events/json-text.ts";
import type { Draft, JsonValue } from "./contract.ts";

/** A string, which is stepped over, or a number. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
/** Decimal digits that a double keeps, whatever they are. */
const SAFE_DIGITS = 15;

/** `input`: the codec of protobuf payloads; absent: they are left as they are. Throws `invalid_event` at `data`. */
export function openDraft(event: Event, input: PayloadCodec | undefined): Draft {
  if (event.data === undefined) return { event, payload: undefined };
  const kind = payloadKind(event.contentType);
  if (kind === "json") {
    const text = jsonText(event.data, 0, event.data.length, "data");
    assertKeepsDigits(text);
    return { event: { ...event, data: undefined }, payload: parseJson(text, "data") as JsonValue };
  }
  if (kind !== "protobuf" || input === undefined) return { event, payload: undefined };
  input.validate(event.data, 0, event.data.length, event.contentType, "event");
  return { event: { ...event, data: undefined }, payload: JSON.parse(input.toJson(event.data)) as JsonValue };
}

/** `output`: the codec of the result; absent: JSON of any shape. Throws `invalid_event` at `data` or `content_type`. */
export function closeDraft({ event, payload }: Draft, output: PayloadCodec | undefined): Event {
  if (payload === undefined) {
    if (output && event.data) output.validate(event.data, 0, event.data.length, event.contentType, "event");
    return event;
  }
  const kind = payloadKind(event.contentType);
  if (kind === "json") {
    const data = Buffer.from(JSON.stringify(payload), "utf8");
    output?.validate(data, 0, data.length, event.contentType, "event");
    return { ...event, data };
  }
  if (kind === "protobuf" && output) return { ...event, data: Buffer.from(output.fromJson(payload)) };
  const wanted = output
    ? "application/protobuf or application/json"
    : "application/json: the pipeline has no output message";
  throw fieldError(
    "invalid_event",
    "content_type",
    `It is ${JSON.stringify(event.contentType)}; it must be ${wanted}.`,
  );
}

/** A number that JavaScript cannot hold would silently become another one on its way through the pipeline. */
function assertKeepsDigits(text: string): void {
  if (!/\d[\d.]{15}/.test(text)) return;
  for (const [token] of text.matchAll(STRING_OR_NUMBER)) {
    if (token.startsWith('"') || keepsDigits(token)) continue;
    throw fieldError(
      "invalid_event",
      "data",
      `The number ${token.slice(0, 40)} would lose digits. Send it as a string.`,
    );
  }
}

function keepsDigits(token: string): boolean {
  // What JavaScript itself would write: the shortest text of that very double.
  if (String(Number(token)) === token) return true;
  const digits = token
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "")
    .replace(/0+$/, "");
  return digits.length <= SAFE_DIGITS;
}
