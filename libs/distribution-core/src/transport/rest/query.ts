/** Reads the query of a request target strictly: what Express would repair or drop is refused by name. */
import { DistributionError, type FieldError } from "../../errors.ts";
import { quote } from "./parameters.ts";

/**
 * Name and value of each parameter, `+` read as a space. Throws `invalid_request` for bad percent encoding, a
 * parameter that comes twice, or one that is not among `known`; all of them are named.
 */
export function parseQuery(target: string, known: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const errors: FieldError[] = [];
  const start = target.indexOf("?");
  for (const pair of start < 0 ? [] : target.slice(start + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = decode(equals < 0 ? "" : pair.slice(equals + 1));
    const path = `query.${name ?? pair}`;
    if (name === undefined || value === undefined) {
      errors.push({ path, message: `${quote(pair)} has bad percent encoding; write % as %25` });
    } else if (!known.includes(name)) {
      const choice = known.length === 0 ? "there are none here" : `there are ${known.join(", ")}`;
      errors.push({ path, message: `is no parameter of this address; ${choice}` });
    } else if (values.has(name)) {
      errors.push({ path, message: "is given twice; give it once (lists are comma-separated)" });
    } else {
      values.set(name, value);
    }
  }
  if (errors.length > 0) throw badParameters(errors);
  return values;
}

/** One error of several fields, its message that of the first. */
export function badParameters(errors: readonly FieldError[]): DistributionError {
  const [first] = errors;
  return new DistributionError("invalid_request", `${first?.path}: ${first?.message}`, { errors });
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
