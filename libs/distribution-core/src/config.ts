/** Settings from the environment: a schema beside the part that uses them, refused at start with the variable's name. */
import { z } from "zod";
import type { BrokerChoices } from "./brokers/choice.ts";
import { DistributionError, type FieldError } from "./errors.ts";

const list = z
  .string()
  .default("")
  .transform((text) => text.split(",").flatMap((each) => each.trim() || []));
/** Not of an empty text, which a number would take for 0. */
const port = (standard: number) =>
  z.string().min(1).pipe(z.coerce.number<string>().int().min(0).max(65_535)).default(standard);

const prefixOf = (service: string): string => service.toUpperCase().replaceAll("-", "_");

/** The variable of a service's setting: MARKET_DATA_PORT is PORT of `market-data`. */
export const variableOf = (service: string, setting: string): string => `${prefixOf(service)}_${setting}`;

/** What every service can be told, beside its broker: see `readServiceSettings`. */
export const serviceSettings = (service: string, ports: { port: number; grpcPort: number; adminPort: number }) => ({
  HOST: z.string().min(1).default("127.0.0.1").describe("Address to listen on; loopback unless told otherwise."),
  PORT: port(ports.port).describe("HTTP, WebSocket, Socket.IO and SSE. 0 takes a free one."),
  GRPC_PORT: port(ports.grpcPort).describe("gRPC. 0 takes a free one."),
  ADMIN_PORT: port(ports.adminPort).describe("Health, metrics and the operators' API. 0 takes a free one."),
  DATA_DIR: z
    .string()
    .min(1)
    .default(`data/${service}`)
    .describe("Folder of the embedded broker, checkpoints and the secret."),
  LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("Least level that is logged."),
  ORIGINS: list.describe("Origins of web pages that may connect beside the service's own, comma-separated; *: any."),
  HOSTS: list
    .refine((names) => names.every((name) => /^[^\s/*@?#]+$/.test(name)), {
      error: "names or addresses, comma-separated, without scheme or path; * is none",
    })
    .describe("Names that clients use in URLs beside localhost, loopback addresses and HOST, comma-separated."),
});

export type ServiceConfig = z.infer<z.ZodObject<ReturnType<typeof serviceSettings>>> & {
  /** The name of one of the service's brokers. */
  readonly BROKER: string;
};

type ServiceSettings<Shape extends z.ZodRawShape> = z.infer<z.ZodObject<Shape>> & Pick<ServiceConfig, "BROKER">;

/**
 * A service's settings and those of the broker that BROKER names; what is set of its other brokers is left alone, so that a
 * service changes brokers by one variable. Throws what `readSettings` throws.
 */
export function readServiceSettings<Shape extends z.ZodRawShape>(
  service: string,
  shape: Shape,
  brokers: BrokerChoices,
  environment: Readonly<Record<string, string | undefined>>,
): ServiceSettings<Shape> {
  const [standard = "", ...others] = Object.keys(brokers);
  const BROKER = z
    .enum([standard, ...others])
    .default(standard)
    .describe("What keeps the logs.");
  const chosen = environment[variableOf(service, "BROKER")] ?? standard;
  const read = { ...shape, BROKER, ...brokers[chosen]?.settings };
  const ofOthers = Object.values(brokers).flatMap(({ settings }) => Object.keys(settings));
  const unread = new Set(ofOthers.filter((name) => !(name in read)).map((name) => variableOf(service, name)));
  const asked = Object.fromEntries(Object.entries(environment).filter(([name]) => !unread.has(name)));
  return readSettings(prefixOf(service), read, asked) as ServiceSettings<Shape>;
}

/** Throws `invalid_request` naming every variable that is wrong; variables of the prefix that nobody knows are wrong too. */
export function readSettings<Shape extends z.ZodRawShape>(
  prefix: string,
  shape: Shape,
  environment: Readonly<Record<string, string | undefined>>,
): z.infer<z.ZodObject<Shape>> {
  const given = Object.entries(environment).filter(([name]) => name.startsWith(`${prefix}_`));
  const values = Object.fromEntries(given.map(([name, value]) => [name.slice(prefix.length + 1), value]));
  const result = z.strictObject(shape).safeParse(values);
  if (result.success) return result.data as z.infer<z.ZodObject<Shape>>;
  const known = Object.keys(shape).map((name) => `${prefix}_${name}`);
  const errors = result.error.issues.flatMap((issue): FieldError[] => {
    if (issue.code === "unrecognized_keys") {
      const message = `no such setting; there are ${known.join(", ")}`;
      return issue.keys.map((name) => ({ path: `${prefix}_${name}`, message }));
    }
    const name = String(issue.path[0]);
    const schema = z.toJSONSchema(shape[name] as z.ZodType, { unrepresentable: "any" });
    const found = values[name] === undefined ? "is not set" : `${shown(name, values[name])} is not taken`;
    const wanted = issue.code === "custom" ? issue.message : allowed(schema);
    return [{ path: `${prefix}_${name}`, message: `${found}; set ${wanted}${help(schema)}` }];
  });
  const lines = errors.map(({ path, message }) => `\n  ${path}: ${message}.`);
  throw new DistributionError("invalid_request", `Settings are wrong.${lines.join("")}`, { errors });
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a setting may be, for people. */
function allowed({ anyOf, enum: values, const: only, type, ...bounds }: JsonSchema): string {
  if (anyOf) return anyOf.map(allowed).join(", or ");
  if (values) return `one of ${values.join(", ")}`;
  if (only !== undefined) return String(only);
  if (type !== "number" && type !== "integer") return "a text that is not empty";
  const { minimum, exclusiveMinimum, maximum } = bounds;
  return [
    type === "integer" ? "a whole number" : "a number",
    ...(minimum === undefined ? [] : [`from ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`up to ${maximum}`]),
  ].join(" ");
}

/** What it is when it is left out, and what it is for. */
function help({ default: standard, description }: JsonSchema): string {
  const leave = standard === undefined || standard === "" ? "" : `, or leave it out for ${JSON.stringify(standard)}`;
  return leave + (description === undefined ? "" : `. ${description.replace(/\.$/, "")}`);
}

/** A wrong value goes to the log, a secret one does not. */
const shown = (name: string, value: string): string =>
  /SECRET|TOKEN|PASSWORD|KEY|URL/.test(name) ? "its value (not shown)" : JSON.stringify(value);
