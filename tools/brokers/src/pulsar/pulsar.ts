/** A real Pulsar on loopback: broker, bookie and metadata in one process (standalone). */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FaultProxy } from "../fault-proxy.ts";
import { makeOnce } from "../process/cache.ts";
import { type Certificates, createCertificates } from "../process/certificates.ts";
import { type Controls, createControls } from "../process/controls.ts";
import { createEngine } from "../process/engine.ts";
import { createHome } from "../process/home.ts";
import { freePorts } from "../process/ports.ts";
import { classPath, findJava, type Java, unpackArtifact } from "../process/programs.ts";
import { type Properties, propertiesText } from "../process/properties.ts";
import { preparedFolder, projectFile, VERSIONS } from "../process/versions.ts";
import { ADMIN_ROLE, JVM_LOGGING, LOGGING, pulsarSettings } from "./configuration.ts";
import { createSecret, createToken } from "./token.ts";

export interface PulsarOptions {
  /** The port of the binary protocol; default a free one. */
  readonly port?: number;
  /** The port of the REST API, without TLS; default a free one. */
  readonly adminPort?: number;
  /** Clients need a token, for the binary protocol and for the REST API. */
  readonly auth?: boolean;
  /** Clients come by TLS: "pulsar+ssl", and "https" for the REST API. */
  readonly tls?: boolean;
  /** Clients are told the address of this proxy, which is pointed at the broker. The REST API does not go through it. */
  readonly proxy?: Pick<FaultProxy, "port" | "forwardTo">;
  /** Further lines of standalone.conf, which win over those of this package. */
  readonly properties?: Properties;
  /** Data, configuration and log, kept; default a temporary folder. */
  readonly folder?: string;
  /** `load`: slower to start, faster once warm, 1 GB heap: for benches. Default `start`. */
  readonly tuned?: "start" | "load";
}

export interface Pulsar extends Controls {
  /** "pulsar://127.0.0.1:<port>", or "pulsar+ssl"; the proxy's, if there is one. */
  readonly serviceUrl: string;
  /** "http://127.0.0.1:<port>", or "https"; without a path. */
  readonly adminUrl: string;
  /** Both past proxy and TLS: for what a test has to know or do whatever the fault. */
  readonly direct: { readonly serviceUrl: string; readonly adminUrl: string };
  /** With `auth`: of a role that may do everything. */
  readonly token: string | undefined;
  /** With `auth`: of any role. What it may do is for the REST API to say. */
  tokenFor(role: string): string | undefined;
  /** With `tls`. */
  readonly certificates: Certificates | undefined;
}

const READY_WITHIN_MS = 180_000;
const OPENED = [
  "java.base/java.io",
  "java.base/java.util.zip",
  "java.base/java.nio",
  "java.base/jdk.internal.misc",
  "java.base/jdk.internal.platform",
  "java.management/sun.management",
  "jdk.management/com.sun.management.internal",
];
const FLAGS = [
  "-Xms192m",
  "-XX:+UseSerialGC",
  "-XX:-UsePerfData",
  ...OPENED.flatMap((name) => ["--add-opens", `${name}=ALL-UNNAMED`]),
  "--enable-native-access=ALL-UNNAMED",
  "-Dio.netty.tryReflectionSetAccessible=true",
  "-Dorg.apache.pulsar.shade.io.netty.tryReflectionSetAccessible=true",
  "-Dbookkeeper.metadata.bookie.drivers=org.apache.pulsar.metadata.bookkeeper.PulsarMetadataBookieDriver",
  "-Dbookkeeper.metadata.client.drivers=org.apache.pulsar.metadata.bookkeeper.PulsarMetadataClientDriver",
  "-Dlog4j2.is.webapp=false",
  "-Dlog4j.shutdownHookEnabled=false",
];
const TUNED = {
  start: ["-Xmx384m", "-XX:MaxDirectMemorySize=256m", "-XX:TieredStopAtLevel=1"],
  load: ["-Xmx1g", "-XX:MaxDirectMemorySize=1g"],
} as const;

/**
 * Resolves once it is healthy and has the namespace public/default. @throws BrokerFailure when Java or Maven is missing, the
 * jars cannot be fetched, or the broker ends before it is ready.
 */
export async function startPulsar(options: PulsarOptions = {}): Promise<Pulsar> {
  const prepared = await preparePulsar();
  return launch(options, prepared, `-XX:SharedArchiveFile=${prepared.classes}`);
}

interface Prepared {
  readonly java: Java;
  readonly jars: string;
  /** The archive of loaded classes: starts in two thirds of the time. */
  readonly classes: string;
}

/** What every start needs and only the first has to make. */
export async function preparePulsar(): Promise<Prepared> {
  const java = await findJava();
  const folder = preparedFolder("pulsar");
  const unpacked = await makeOnce(join(folder, "unpacked"), (part) => unpackArtifact(projectFile("pulsar"), part));
  const jars = join(unpacked, `apache-pulsar-${VERSIONS.pulsar}`, "lib");
  const prepared = { java, jars, classes: join(folder, `classes-${java.version}.jsa`) };
  await makeOnce(prepared.classes, async (part) => {
    await using pulsar = await launch({}, prepared, `-XX:ArchiveClassesAtExit=${part}`);
    await pulsar.stop();
  });
  return prepared;
}

async function launch(options: PulsarOptions, prepared: Prepared, archive: string): Promise<Pulsar> {
  const home = createHome("pulsar", options.folder);
  const [free, freeWeb, direct, webTls] = (await freePorts(4)) as [number, number, number, number];
  const client = options.port ?? free;
  const web = options.adminPort ?? freeWeb;
  const advertised = options.proxy?.port ?? client;
  const configuration = join(home.folder, "standalone.conf");
  const logging = join(home.folder, "log4j2.xml");
  const jvmLogging = join(home.folder, "logging.properties");
  const secret = options.auth ? secretOf(home.folder) : undefined;
  const certificates = options.tls ? await createCertificates(join(home.folder, "certificates")) : undefined;
  const ports = { client, advertised, direct, web, webTls };
  const settings = pulsarSettings(ports, { secret, certificates }, options.properties);
  writeFileSync(configuration, propertiesText(settings), { mode: 0o600 });
  writeFileSync(logging, LOGGING);
  writeFileSync(jvmLogging, JVM_LOGGING);
  const tokenFor = (role: string): string | undefined => secret && createToken(role, secret);
  const token = tokenFor(ADMIN_ROLE);
  const adminUrl = `http://127.0.0.1:${web}`;
  const engine = createEngine({
    name: "Pulsar",
    program: prepared.java.program,
    arguments: [
      ...FLAGS,
      ...TUNED[options.tuned ?? "start"],
      archive,
      `-Dlog4j2.configurationFile=${logging}`,
      `-Djava.util.logging.config.file=${jvmLogging}`,
      ...["-cp", classPath(prepared.jars), "org.apache.pulsar.PulsarStandaloneStarter"],
      ...["--config", configuration],
      ...["--metadata-dir", join(home.folder, "metadata")],
      ...["--bookkeeper-dir", join(home.folder, "bookkeeper")],
      ...["-nfw", "-nss"],
    ],
    home,
    isReady: () => isHealthy(adminUrl, token),
    readyWithinMs: READY_WITHIN_MS,
  });
  const controls = createControls(engine, home);
  options.proxy?.forwardTo(client);
  await controls.first();
  return Object.assign(controls, {
    serviceUrl: `${certificates ? "pulsar+ssl" : "pulsar"}://127.0.0.1:${advertised}`,
    adminUrl: certificates ? `https://127.0.0.1:${webTls}` : adminUrl,
    direct: { serviceUrl: `pulsar://127.0.0.1:${direct}`, adminUrl },
    token,
    tokenFor,
    certificates,
  });
}

/** The folder's, so that tokens stay valid for a broker that starts again. */
function secretOf(folder: string): Buffer {
  const file = join(folder, "secret");
  if (!existsSync(file)) writeFileSync(file, createSecret(), { mode: 0o600 });
  return readFileSync(file);
}

/** The namespace is the last thing that a start creates; the health check writes and reads a topic. */
export async function isHealthy(adminUrl: string, token?: string, withinMs = 10_000): Promise<boolean> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`${adminUrl}/admin/v2/${path}`, { headers, signal: AbortSignal.timeout(withinMs) });
    return answer.ok ? answer.text() : "";
  };
  // Each is asked only when the one before is there: the broker logs what it is asked for and does not have.
  try {
    if (!(await get("tenants")).includes("public")) return false;
    return (await get("namespaces/public")).includes("public/default") && (await get("brokers/health")) === "ok";
  } catch {
    return false;
  }
}
