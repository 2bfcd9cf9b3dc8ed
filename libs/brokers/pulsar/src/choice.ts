/** The Pulsar broker as one that a service's settings choose. Its code is loaded when it is chosen, not before. */
import { settingFile } from "@distribution/broker-common";
import type { BrokerChoice } from "@distribution/core/brokers";
import { z } from "zod";

const SETTINGS = {
  PULSAR_URL: z.string().min(1).describe("pulsar://host:6650, or pulsar+ssl://host:6651."),
  PULSAR_ADMIN_URL: z.string().min(1).describe("http://host:8080, or https://host:8443."),
  PULSAR_NAMESPACE: z
    .string()
    .regex(/^[^/]+\/[^/]+$/)
    .default("public/default")
    .describe("tenant/namespace of the topics."),
  PULSAR_TOKEN_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("File that has the token; read again whenever one is needed."),
  PULSAR_TLS_CA_FILE: z.string().min(1).optional().describe("PEM file of the authorities to trust."),
  PULSAR_COMPRESSION: z.enum(["none", "zlib", "zstd"]).default("none").describe("Of what is appended."),
};

export const pulsar: BrokerChoice<typeof SETTINGS> = {
  settings: SETTINGS,
  async open(settings, { logger }) {
    const { createPulsarBroker } = await import("./broker.ts");
    const [tenant = "", namespace = ""] = settings.PULSAR_NAMESPACE.split("/");
    const { PULSAR_TOKEN_FILE: token, PULSAR_TLS_CA_FILE: ca } = settings;
    return createPulsarBroker({
      serviceUrl: settings.PULSAR_URL,
      adminUrl: settings.PULSAR_ADMIN_URL,
      compression: settings.PULSAR_COMPRESSION,
      ...{ tenant, namespace, logger },
      ...(token !== undefined && { token: { file: token } }),
      ...(ca !== undefined && { tls: { ca: settingFile("PULSAR_TLS_CA_FILE", ca) } }),
    });
  },
};
