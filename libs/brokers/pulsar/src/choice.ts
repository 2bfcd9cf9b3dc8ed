/** The Pulsar broker as one that a service's settings choose. Its code is loaded when it is chosen, not before. */
import { namingSettings, optionNames, pemFile } from "@distribution/broker-common";
import type { BrokerChoice } from "@distribution/core/brokers";
import { z } from "zod";
import type { PulsarBrokerOptions } from "./options.ts";

const SETTINGS = {
  PULSAR_URL: z.string().min(1).describe("pulsar://host:6650, or pulsar+ssl://host:6651."),
  PULSAR_ADMIN_URL: z.string().min(1).describe("http://host:8080, or https://host:8443."),
  PULSAR_NAMESPACE: z
    .string()
    .refine((text) => /^[^/]+\/[^/]+$/.test(text), { error: "tenant/namespace, as public/default" })
    .default("public/default")
    .describe("tenant/namespace of the topics."),
  PULSAR_TOKEN_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("File that has the token; read again whenever one is needed."),
  PULSAR_TLS_CA_FILE: z.string().min(1).optional().describe("PEM file of the authorities to trust."),
  PULSAR_COMPRESSION: z.enum(["none", "zlib", "zstd"]).default("none").describe("Of what is appended."),
  PULSAR_CLIENT: z
    .enum(["protocol", "native"])
    .default("protocol")
    .describe("native: npm's pulsar-client, where it is installed."),
};

/** By the option that it becomes. */
const SETTING_OF = {
  serviceUrl: "PULSAR_URL",
  adminUrl: "PULSAR_ADMIN_URL",
  tenant: "PULSAR_NAMESPACE",
  namespace: "PULSAR_NAMESPACE",
  token: "PULSAR_TOKEN_FILE",
  "token.file": "PULSAR_TOKEN_FILE",
  "tls.ca": "PULSAR_TLS_CA_FILE",
  compression: "PULSAR_COMPRESSION",
  client: "PULSAR_CLIENT",
};

export const pulsar: BrokerChoice<typeof SETTINGS> = {
  settings: SETTINGS,
  async open(settings, { logger, variable }) {
    const { createPulsarBroker } = await import("./broker.ts");
    const names = optionNames(SETTING_OF, variable);
    const [tenant = "", namespace = ""] = settings.PULSAR_NAMESPACE.split("/");
    const { PULSAR_TOKEN_FILE: token, PULSAR_TLS_CA_FILE: ca } = settings;
    const options: PulsarBrokerOptions = {
      serviceUrl: settings.PULSAR_URL,
      adminUrl: settings.PULSAR_ADMIN_URL,
      compression: settings.PULSAR_COMPRESSION,
      client: settings.PULSAR_CLIENT,
      ...{ tenant, namespace, logger, optionNames: names },
      ...(token !== undefined && { token: { file: token } }),
      ...(ca !== undefined && { tls: { ca: pemFile(variable("PULSAR_TLS_CA_FILE"), ca) } }),
    };
    return namingSettings(names, () => createPulsarBroker(options));
  },
};
