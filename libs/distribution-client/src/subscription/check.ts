/** Looks at what a subscription is asked to be, for those who have no compiler that does. */
import { DistributionClientError } from "../errors.ts";
import type { PayloadDecoder } from "../events/payload.ts";
import {
  type BufferBounds,
  LEVELS,
  MODES,
  PAYLOADS,
  type Profile,
  SLOW,
  type SubscribeOptions,
  type SubscriptionChange,
} from "./options.ts";

/** What to give instead; undefined for a value that will do. */
type Check = (value: unknown, path: string) => string | undefined;
type Checks<T> = Readonly<Record<keyof T, Check>>;

const text: Check = (value) => (typeof value === "string" ? undefined : "give text");
const list: Check = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === "string") ? undefined : "give a list of texts";
const flag: Check = (value) => (typeof value === "boolean" ? undefined : "give true or false");
const amount: Check = (value) =>
  typeof value === "number" && value >= 0 && Number.isFinite(value) ? undefined : "give a number, 0 or more";
const count: Check = (value) =>
  Number.isInteger(value) && Number(value) > 0 ? undefined : "give a whole number above 0";
const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : `give ${values.map((each) => `"${each}"`).join(" or ")}`;
const parts =
  <T>(checks: Checks<T>): Check =>
  (value, path) => {
    if (!isObject(value)) return `give an object of ${Object.keys(checks).join(", ")}`;
    checkAll(value, checks, `${path}.`);
    return undefined;
  };

const START = 'give "latest", "earliest", a Date, { time }, { after } or { token }';

/** As `StartFrom` has it. */
const start: Check = (value) => {
  if (value === "latest" || value === "earliest") return undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "give a Date that is one" : undefined;
  if (!isObject(value)) return START;
  if ("time" in value)
    return typeof value["time"] === "bigint" ? undefined : "give time as a bigint, Unix nanoseconds, or a Date";
  if ("token" in value) return typeof value["token"] === "string" ? undefined : "give the token as text";
  if ("after" in value) return Array.isArray(value["after"]) ? undefined : "give after as a list of positions";
  return START;
};

const PROFILE: Checks<Profile> = {
  level: oneOf(Object.keys(LEVELS)),
  mode: oneOf(Object.keys(MODES)),
  snapshot: flag,
  maxRate: amount,
  window: amount,
  ackTimeoutMs: amount,
  slow: oneOf(Object.keys(SLOW)),
  ledgerIntervalMs: amount,
};

const BOUNDS: Checks<BufferBounds> = { events: count, bytes: count };

const callback: Check = (value) => (typeof value === "function" ? undefined : "give a function");
const DECODE: Checks<PayloadDecoder<unknown>> = { bytes: callback, json: callback };

const OPTIONS: Checks<SubscribeOptions> = {
  topics: (value, path) => (typeof value === "string" ? undefined : list(value, path)),
  keys: list,
  filter: text,
  projection: list,
  from: start,
  name: text,
  group: text,
  profile: parts(PROFILE),
  payload: oneOf(Object.keys(PAYLOADS)),
  decode: (value, path) => (typeof value === "function" ? undefined : parts(DECODE)(value, path)),
  ack: oneOf(["auto", "manual"]),
  nackDelayMs: amount,
  buffer: parts(BOUNDS),
};

const CHANGE: Checks<SubscriptionChange> = { filter: text, projection: list, maxRate: amount };

/** Throws `misuse` naming an option that there is not, or is not as it should be. */
export function checkSubscribe(options: SubscribeOptions): void {
  checkAll(options, OPTIONS, "");
  if (options.topics === undefined) throw misuse("topics: is missing; give a name, a pattern, or a list of them");
}

/** Throws `misuse`, likewise. */
export function checkChange(change: SubscriptionChange): void {
  checkAll(change, CHANGE, "");
}

function checkAll<T>(given: object, checks: Checks<T>, prefix: string): void {
  for (const [name, value] of Object.entries(given)) {
    const path = `${prefix}${name}`;
    if (!Object.hasOwn(checks, name)) {
      throw misuse(`${path}: there is no such option; there are ${Object.keys(checks).join(", ")}`);
    }
    const wanted = value === undefined ? undefined : checks[name as keyof T](value, path);
    if (wanted !== undefined) throw misuse(`${path}: ${shown(value)} will not do; ${wanted}`);
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const shown = (value: unknown): string =>
  typeof value === "string" ? `"${value}"` : typeof value === "object" ? "what is given" : String(value);

const misuse = (message: string): DistributionClientError => new DistributionClientError("misuse", message);
