/** From a line of input to the JSON of a CloudEvent. */
import { randomUUID } from "node:crypto";
import { CliError, EXIT, usageError } from "../exit.ts";
import { valueAt } from "../record.ts";
import { parseExact, textOrNumber } from "./exact-json.ts";

export interface LineOptions {
  readonly type?: string;
  readonly source?: string;
  readonly key?: string;
  readonly keyFrom?: string;
  readonly idFrom?: string;
  /** CloudEvents get an id of their own, too. */
  readonly newIds?: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Numbers of any length keep their digits. Throws CliError naming the line. */
export function createLineReader(options: LineOptions): (text: string, number: number) => string {
  if (options.key !== undefined && options.keyFrom !== undefined) {
    throw usageError("--key", "can't go with --key-from; leave one of them out");
  }
  return (text, number) => {
    const value = parse(text, number);
    if (isObject(value) && "specversion" in value) return changed(text, value, options);
    if (isObject(value) && isObject(value["event"]) && "specversion" in value["event"]) {
      return changed(JSON.stringify(value["event"]), value["event"], options);
    }
    return payload(text, value, number, options);
  };
}

function parse(text: string, number: number): unknown {
  try {
    return parseExact(text);
  } catch (failure) {
    throw new CliError(
      `line ${number}: is no JSON (${(failure as Error).message}); give one JSON value a line`,
      EXIT.usage,
    );
  }
}

function changed(text: string, event: JsonObject, { key, newIds }: LineOptions): string {
  const keyed = key === undefined || event["partitionkey"] !== undefined ? undefined : { partitionkey: key };
  if (!keyed && !newIds) return text;
  // A sequence counts the events of a source: one that comes again would be a step back.
  const { sequence: _sequence, ...unnumbered } = event;
  return JSON.stringify(newIds ? { ...unnumbered, ...keyed, id: randomUUID() } : { ...event, ...keyed });
}

function payload(text: string, value: unknown, number: number, options: LineOptions): string {
  const { type, source } = options;
  if (type === undefined || source === undefined) {
    const missing = [...(type === undefined ? ["--type"] : []), ...(source === undefined ? ["--source"] : [])].join(
      " and ",
    );
    throw new CliError(`line ${number}: is no CloudEvent; give ${missing} to publish it as a payload`, EXIT.usage);
  }
  const key = options.keyFrom === undefined ? options.key : taken(value, options.keyFrom, "--key-from", number);
  const id = options.idFrom === undefined ? randomUUID() : taken(value, options.idFrom, "--id-from", number);
  const attributes = {
    specversion: "1.0",
    id,
    source,
    type,
    datacontenttype: "application/json",
    ...(key && { partitionkey: key }),
  };
  // The payload's text as it came, after the attributes.
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${text}}`;
}

function taken(value: unknown, path: string, option: string, number: number): string {
  const found = valueAt(value, path);
  const written = textOrNumber(found);
  if (written !== undefined) return written;
  throw new CliError(
    `line ${number}: ${option} ${path}: has no text or number there; name a field that every line has`,
    EXIT.usage,
  );
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
