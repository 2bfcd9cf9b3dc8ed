/** Settings from the environment: a schema beside the part that uses them, refused at start with the variable's name. */

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { DistributionError } from "./errors.ts";

const list = z
  .string()
  .default("")
  .transform((text) => text.split(",").flatMap((each) => each.trim() || []));
const port = (standard: number) => z.coerce.number().int().min(0).max(65_535).default(standard);

/** What every service can be told. Variables are `<PREFIX>_<NAME>`, for example MARKET_DATA_PORT. */
export const serviceSettings = (ports: { port: number; grpcPort: number; adminPort: number }) => ({
  HOST: z.string().min(1).default("127.0.0.1").describe("Address to listen on; loopback unless told otherwise."),
  PORT: port(ports.port).describe("HTTP, WebSocket, Socket.IO and SSE. 0 takes a free one."),
  GRPC_PORT: port(ports.grpcPort).describe("gRPC. 0 takes a free one."),
  ADMIN_PORT: port(ports.adminPort).describe("Health, metrics and the operators' API. 0 takes a free one."),
  DATA_DIR: z.string().min(1).describe("Folder of the embedded broker, checkpoints and the secret."),
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
  const errors = result.error.issues.map((issue) => {
    const names = issue.code === "unrecognized_keys" ? issue.keys : issue.path.map(String);
    return { path: names.map((name) => `${prefix}_${name}`).join(", "), message: issue.message };
  });
  const list = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new DistributionError(
    "invalid_request",
    `Settings are wrong. ${list}. Known: ${Object.keys(shape)
      .map((name) => `${prefix}_${name}`)
      .join(", ")}.`,
    { errors },
  );
}

const SECRET_BYTES = 32;

/** The key that signs tokens: made once, kept beside the data, readable by the owner only. */
export function secretOf(path: string): Uint8Array {
  try {
    writeFileSync(path, randomBytes(SECRET_BYTES), { flag: "wx", mode: 0o600 });
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== "EEXIST") throw failure;
  }
  const secret = readFileSync(path);
  if (secret.length >= SECRET_BYTES) return secret;
  throw new DistributionError(
    "invalid_request",
    `${path} has ${secret.length} bytes; a secret has at least ${SECRET_BYTES}. Delete it to get a new one: tokens that clients hold become invalid.`,
  );
}
