/** The Kafka broker as one that a service's settings choose. Its code is loaded when it is chosen, not before. */
import { namingSettings, optionNames, pemFile, secretFile } from "@distribution/broker-common";
import type { BrokerChoice, BrokerPlace } from "@distribution/core/brokers";
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

/** By the option that it becomes. */
const SETTING_OF = {
  brokers: "KAFKA_BROKERS",
  "sasl.mechanism": "KAFKA_SASL",
  "sasl.username": "KAFKA_USER",
  "sasl.password": "KAFKA_PASSWORD_FILE",
  tls: "KAFKA_TLS",
  "tls.ca": "KAFKA_TLS_CA_FILE",
  "tls.cert": "KAFKA_TLS_CERT_FILE",
  "tls.key": "KAFKA_TLS_KEY_FILE",
  compression: "KAFKA_COMPRESSION",
  replicationFactor: "KAFKA_REPLICATION_FACTOR",
  minInsyncReplicas: "KAFKA_MIN_INSYNC_REPLICAS",
};

type Variable = BrokerPlace["variable"];
type Settings = z.infer<z.ZodObject<typeof SETTINGS>>;

export const kafka: BrokerChoice<typeof SETTINGS> = {
  settings: SETTINGS,
  async open(settings, { service, logger, variable }) {
    const { createKafkaBroker } = await import("./broker.ts");
    const names = optionNames(SETTING_OF, variable);
    const options: KafkaBrokerOptions = {
      brokers: settings.KAFKA_BROKERS,
      clientId: `distribution-${service}`,
      compression: settings.KAFKA_COMPRESSION,
      logger,
      optionNames: names,
      ...(settings.KAFKA_REPLICATION_FACTOR !== undefined && { replicationFactor: settings.KAFKA_REPLICATION_FACTOR }),
      ...(settings.KAFKA_MIN_INSYNC_REPLICAS !== undefined && {
        minInsyncReplicas: settings.KAFKA_MIN_INSYNC_REPLICAS,
      }),
      ...saslOf(settings, variable),
      ...tlsOf(settings, variable),
    };
    return namingSettings(names, () => createKafkaBroker(options));
  },
};

/** Refuses what is set and would not be used: the service would go on without it, unseen. */
function assertUnused(
  settings: Settings,
  names: readonly (keyof Settings)[],
  instead: string,
  variable: Variable,
): void {
  const used = names.find((name) => settings[name] !== undefined);
  if (used !== undefined) throw fieldError("invalid_request", variable(used), `is set and not used; ${instead}`);
}

function saslOf(settings: Settings, variable: Variable): Pick<KafkaBrokerOptions, "sasl"> {
  const { KAFKA_SASL, KAFKA_USER, KAFKA_PASSWORD_FILE } = settings;
  if (KAFKA_SASL === "none") {
    const instead = `set ${variable("KAFKA_SASL")} to one of ${SASL_MECHANISMS.join(", ")}, or leave it out`;
    assertUnused(settings, ["KAFKA_USER", "KAFKA_PASSWORD_FILE"], instead, variable);
    return {};
  }
  const missing = (setting: string): Error =>
    fieldError("invalid_request", variable(setting), `is not set; ${KAFKA_SASL} needs it`);
  if (KAFKA_USER === undefined) throw missing("KAFKA_USER");
  if (KAFKA_PASSWORD_FILE === undefined) throw missing("KAFKA_PASSWORD_FILE");
  const password = (): string => secretFile(variable("KAFKA_PASSWORD_FILE"), KAFKA_PASSWORD_FILE);
  password();
  return { sasl: { mechanism: KAFKA_SASL, username: KAFKA_USER, password } };
}

function tlsOf(settings: Settings, variable: Variable): Pick<KafkaBrokerOptions, "tls"> {
  if (settings.KAFKA_TLS === "off") {
    const instead = `set ${variable("KAFKA_TLS")} to on, or leave it out`;
    assertUnused(settings, ["KAFKA_TLS_CA_FILE", "KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE"], instead, variable);
    return {};
  }
  return {
    tls: {
      ...named("ca", "KAFKA_TLS_CA_FILE", settings, variable),
      ...named("cert", "KAFKA_TLS_CERT_FILE", settings, variable),
      ...named("key", "KAFKA_TLS_KEY_FILE", settings, variable),
    },
  };
}

type FileSetting = "KAFKA_TLS_CA_FILE" | "KAFKA_TLS_CERT_FILE" | "KAFKA_TLS_KEY_FILE";

function named(member: "ca" | "cert" | "key", setting: FileSetting, settings: Settings, variable: Variable): object {
  const path = settings[setting];
  return path === undefined ? {} : { [member]: pemFile(variable(setting), path) };
}
