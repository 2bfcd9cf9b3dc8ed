/** The Kafka broker as one that a service's settings choose. Its code is loaded when it is chosen, not before. */
import { readFile } from "node:fs/promises";
import { settingFile } from "@distribution/broker-common";
import type { BrokerChoice } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import { z } from "zod";
import { COMPRESSIONS, type KafkaBrokerOptions, SASL_MECHANISMS } from "./options.ts";

const file = z.string().min(1).optional();
const copies = z.coerce.number<string>().int().min(1).max(32_767).optional();

const SETTINGS = {
  KAFKA_BROKERS: z
    .string()
    .min(1)
    .transform((text) => text.split(",").map((each) => each.trim()))
    .describe("Where to ask first, as host:port, comma-separated."),
  KAFKA_SASL: z
    .enum(["none", ...SASL_MECHANISMS])
    .default("none")
    .describe("How to log in."),
  KAFKA_USER: z.string().min(1).optional().describe("Who logs in."),
  KAFKA_PASSWORD_FILE: file.describe("File that has the password; read again for every connection."),
  KAFKA_TLS: z.enum(["off", "on"]).default("off").describe("Whether connections are encrypted."),
  KAFKA_TLS_CA_FILE: file.describe("PEM file of the authorities to trust instead of the system's."),
  KAFKA_TLS_CERT_FILE: file.describe("PEM file of the certificate that this service shows."),
  KAFKA_TLS_KEY_FILE: file.describe("PEM file of that certificate's key."),
  KAFKA_COMPRESSION: z.enum(COMPRESSIONS).default("none").describe("Of what is appended."),
  KAFKA_REPLICATION_FACTOR: copies.describe("Copies of topics that are made; left out: what the cluster has set."),
  KAFKA_MIN_INSYNC_REPLICAS: copies.describe("Copies that must have an append; left out: what the cluster has set."),
};

type Settings = z.infer<z.ZodObject<typeof SETTINGS>>;

export const kafka: BrokerChoice<typeof SETTINGS> = {
  settings: SETTINGS,
  async open(settings, { service, logger }) {
    const { createKafkaBroker } = await import("./broker.ts");
    return createKafkaBroker({
      brokers: settings.KAFKA_BROKERS,
      clientId: `distribution-${service}`,
      compression: settings.KAFKA_COMPRESSION,
      logger,
      ...(settings.KAFKA_REPLICATION_FACTOR !== undefined && { replicationFactor: settings.KAFKA_REPLICATION_FACTOR }),
      ...(settings.KAFKA_MIN_INSYNC_REPLICAS !== undefined && {
        minInsyncReplicas: settings.KAFKA_MIN_INSYNC_REPLICAS,
      }),
      ...saslOf(settings),
      ...tlsOf(settings),
    });
  },
};

function saslOf({ KAFKA_SASL, KAFKA_USER, KAFKA_PASSWORD_FILE }: Settings): Pick<KafkaBrokerOptions, "sasl"> {
  if (KAFKA_SASL === "none") return {};
  if (KAFKA_USER === undefined) throw fieldError("invalid_request", "KAFKA_USER", `is not set; ${KAFKA_SASL} needs it`);
  if (KAFKA_PASSWORD_FILE === undefined) {
    throw fieldError("invalid_request", "KAFKA_PASSWORD_FILE", `is not set; ${KAFKA_SASL} needs it`);
  }
  settingFile("KAFKA_PASSWORD_FILE", KAFKA_PASSWORD_FILE);
  const password = async (): Promise<string> => (await readFile(KAFKA_PASSWORD_FILE, "utf8")).trimEnd();
  return { sasl: { mechanism: KAFKA_SASL, username: KAFKA_USER, password } };
}

function tlsOf(settings: Settings): Pick<KafkaBrokerOptions, "tls"> {
  if (settings.KAFKA_TLS === "off") return {};
  return {
    tls: {
      ...named("ca", "KAFKA_TLS_CA_FILE", settings),
      ...named("cert", "KAFKA_TLS_CERT_FILE", settings),
      ...named("key", "KAFKA_TLS_KEY_FILE", settings),
    },
  };
}

type FileSetting = "KAFKA_TLS_CA_FILE" | "KAFKA_TLS_CERT_FILE" | "KAFKA_TLS_KEY_FILE";

function named(member: "ca" | "cert" | "key", setting: FileSetting, settings: Settings): object {
  const path = settings[setting];
  return path === undefined ? {} : { [member]: settingFile(setting, path) };
}
