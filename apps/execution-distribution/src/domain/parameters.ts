/** The parameters of this domain's endpoints: what each may be, and what is said when it is something else. */
import { fieldError } from "@distribution/core/errors";
import {
  defaultedQuery,
  oneOf,
  optionalQuery,
  type ParameterKind,
  pathParameter,
} from "@distribution/core/transport/rest";
import { ID_PATTERN, ID_RULE, INSTRUMENT_PATTERN, INSTRUMENT_RULE, isId, isInstrument } from "./checks.ts";
import { isDay } from "./days.ts";
import { ORDER_STATES, type OrderState } from "./words.ts";

const refuse = (path: string, text: string, rule: string) =>
  fieldError("invalid_request", path, `${JSON.stringify(text.slice(0, 64))} cannot be: it ${rule}`);

const id: ParameterKind<string> = {
  schema: { type: "string", pattern: ID_PATTERN },
  parse(text, path) {
    if (!isId(text)) throw refuse(path, text, ID_RULE);
    return text;
  },
};

const instrumentKey: ParameterKind<string> = {
  schema: { type: "string", pattern: INSTRUMENT_PATTERN },
  parse(text, path) {
    if (!isInstrument(text)) throw refuse(path, text, INSTRUMENT_RULE);
    return text;
  },
};

const day: ParameterKind<string> = {
  schema: { type: "string", format: "date" },
  parse(text, path) {
    if (!isDay(text)) throw refuse(path, text, "is a day of the calendar, written like 2026-11-23");
    return text;
  },
};

const states: ParameterKind<readonly OrderState[]> = {
  schema: { type: "string", description: `Some of ${ORDER_STATES.join(", ")}, with commas between.` },
  parse(text, path) {
    const given = text.split(",").map((each) => oneOf(ORDER_STATES).parse(each, path));
    return ORDER_STATES.filter((state) => given.includes(state));
  },
};

export const orderIdPath = pathParameter(id, { description: "As its sender gave it.", example: "o-20261123-17" });

export const idQuery = (description: string) => optionalQuery(id, { description });

export const instrumentQuery = optionalQuery(instrumentKey, {
  description: "venue:symbol.",
  example: "coinbase:BTC-USD",
});

export const dayQuery = optionalQuery(day, { description: "In UTC, such as 2026-11-23. Default: today." });

export const stateQuery = optionalQuery(states, { description: "The state it is in, or several with commas between." });

export const directionQuery = defaultedQuery(oneOf(["descending", "ascending"]), "descending", {
  description: "descending: the newest first.",
});
