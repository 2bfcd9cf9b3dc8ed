/** A real Kafka broker on loopback: alone, or a node of a cluster (cluster.ts). */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { FaultProxy } from "../fault-proxy.ts";
import { makeOnce } from "../process/cache.ts";
import { type Certificates, createCertificates } from "../process/certificates.ts";
import { type Controls, createControls } from "../process/controls.ts";
import { createEngine } from "../process/engine.ts";
import { createHome } from "../process/home.ts";
import { freePorts } from "../process/ports.ts";
import { classPath, copyDependencies, findJava, type Java } from "../process/programs.ts";
import { type Properties, propertiesText } from "../process/properties.ts";
import { preparedFolder, projectFile } from "../process/versions.ts";
import { KAFKA_USER, kafkaProperties, MECHANISMS, SCRAM_ACCOUNT } from "./properties.ts";

export interface KafkaOptions {
  /** The port of clients; default a free one. */
  readonly port?: number;
  /** Clients log in: with SASL PLAIN, or with SCRAM-SHA-512. */
  readonly auth?: "plain" | "scram";
  /** Clients come by TLS; `mutual`: with a certificate of theirs. */
  readonly tls?: boolean | "mutual";
  /** Clients are told the address of this proxy, which is pointed at the broker. */
  readonly proxy?: Pick<FaultProxy, "port" | "forwardTo">;
  /** Further lines of server.properties, which win over those of this package. */
  readonly properties?: Properties;
  /** Data, configuration and log, kept; default a temporary folder. */
  readonly folder?: string;
  /** `load`: slower to start, faster once warm, 1 GB heap: for benches. Default `start`. */
  readonly tuned?: "start" | "load";
}

export interface Kafka extends Controls {
  /** "127.0.0.1:<port>" for clients: the proxy's, if there is one. */
  readonly bootstrap: string;
  /** "127.0.0.1:<port>" past proxy, login and TLS: for what a test has to know or do whatever the fault. */
  readonly direct: string;
  /** With `auth`: who may log in, and how. */
  readonly credentials:
    | { readonly mechanism: string; readonly username: string; readonly password: string }
    | undefined;
  /** With `tls`. */
  readonly certificates: Certificates | undefined;
}

/** A broker's place in a cluster, in which each is a controller as well. */
export interface KafkaNode {
  /** From 1. */
  readonly id: number;
  /** The port of its controller. */
  readonly controller: number;
}

const run = promisify(execFile);
/** Any will do; the same for all, since a formatted folder is copied. */
const CLUSTER_ID = "AAAAAAAAAAAAAAAAAAAAAQ";
const READY_WITHIN_MS = 120_000;
const FLAGS = [
  "-Xms64m",
  "-XX:+UseSerialGC",
  "-XX:-UsePerfData",
  "-Xlog:disable",
  "-Xlog:all=error:stderr",
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
  // Its "Kafka Server started" is how a start is known to be complete.
  "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
];
const TUNED = {
  start: ["-Xmx256m", "-XX:TieredStopAtLevel=1"],
  load: ["-Xmx1g"],
} as const;

/**
 * Resolves once it is ready. @throws BrokerFailure when Java or Maven is missing, the jars cannot be fetched, or the broker ends
 * before it is ready: a port that is taken, a full disk, a property with a value that it does not take.
 */
export async function startKafka(options: KafkaOptions = {}, node?: KafkaNode): Promise<Kafka> {
  const prepared = await prepareKafka();
  return launch(options, prepared, `-XX:SharedArchiveFile=${prepared.classes}`, node);
}

interface Prepared {
  readonly java: Java;
  readonly jars: string;
  /** A data folder as it is before the first start. */
  readonly formatted: string;
  /** The archive of loaded classes: starts in half the time. */
  readonly classes: string;
}

/** What every start needs and only the first has to make. */
export async function prepareKafka(): Promise<Prepared> {
  const java = await findJava();
  const folder = preparedFolder("kafka");
  const jars = await makeOnce(join(folder, "lib"), (part) => copyDependencies(projectFile("kafka"), part));
  const formatted = await makeOnce(join(folder, "formatted"), (part) => format(java, jars, part));
  const classes = join(folder, `classes-${java.version}.jsa`);
  const prepared = { java, jars, formatted, classes };
  await makeOnce(classes, async (part) => {
    await using kafka = await launch({}, prepared, `-XX:ArchiveClassesAtExit=${part}`);
    await kafka.stop();
  });
  return prepared;
}

async function format(java: Java, jars: string, part: string): Promise<void> {
  const file = `${part}.properties`;
  const ports = { client: 1, advertised: 1, direct: 2, controller: 3 };
  mkdirSync(part);
  writeFileSync(file, propertiesText(kafkaProperties(part, ports)));
  try {
    const tool = ["-cp", classPath(jars), "kafka.tools.StorageTool"];
    await run(java.program, [...tool, "format", "-t", CLUSTER_ID, "-c", file, "--add-scram", SCRAM_ACCOUNT]);
  } finally {
    rmSync(file);
  }
}

async function launch(options: KafkaOptions, prepared: Prepared, archive: string, node?: KafkaNode): Promise<Kafka> {
  const home = createHome("kafka", options.folder);
  const [free, direct, own] = (await freePorts(3)) as [number, number, number];
  const controller = node?.controller ?? own;
  const client = options.port ?? free;
  const advertised = options.proxy?.port ?? client;
  const data = join(home.folder, "data");
  const file = join(home.folder, "server.properties");
  const certificates = options.tls ? await createCertificates(join(home.folder, "certificates")) : undefined;
  const ports = { client, advertised, direct, controller };
  const security = { auth: options.auth, tls: options.tls, certificates };
  writeFileSync(file, propertiesText(kafkaProperties(data, ports, security, options.properties)));
  if (!existsSync(data)) {
    cpSync(prepared.formatted, data, { recursive: true });
    if (node) settle(join(data, "meta.properties"), node);
  }
  const engine = createEngine({
    name: "Kafka",
    program: prepared.java.program,
    arguments: [
      ...FLAGS,
      ...TUNED[options.tuned ?? "start"],
      archive,
      "-cp",
      classPath(prepared.jars),
      "kafka.Kafka",
      file,
    ],
    home,
    isReady: (written) => written.includes("Kafka Server started"),
    readyWithinMs: READY_WITHIN_MS,
  });
  const controls = createControls(engine, home);
  options.proxy?.forwardTo(client);
  await controls.first();
  return Object.assign(controls, {
    bootstrap: `127.0.0.1:${advertised}`,
    direct: `127.0.0.1:${direct}`,
    credentials: options.auth && { mechanism: MECHANISMS[options.auth], ...KAFKA_USER },
    certificates,
  });
}

/** Makes a formatted folder that of another node: folders of one cluster differ in their node's id and their own. */
function settle(file: string, { id }: KafkaNode): void {
  const text = readFileSync(file, "utf8")
    .replace(/^node\.id=.*$/m, `node.id=${id}`)
    .replace(/^directory\.id=.*$/m, `directory.id=${randomBytes(16).toString("base64url")}`);
  writeFileSync(file, text);
}
