/** Starts a broker that runs on after this process, at its usual ports if they are free. */
import { existsSync } from "node:fs";
import { startKafka } from "../kafka/kafka.ts";
import { isAnswering } from "../kafka/probe.ts";
import { cacheFolder } from "../process/cache.ts";
import { freePorts, isFree } from "../process/ports.ts";
import { type BrokerName, preparedFolder, VERSIONS } from "../process/versions.ts";
import { isHealthy, startPulsar } from "../pulsar/pulsar.ts";
import { type BrokerState, folderOf } from "./state.ts";

export const LABELS: Readonly<Record<BrokerName, string>> = {
  kafka: `Kafka ${VERSIONS.kafka}`,
  pulsar: `Pulsar ${VERSIONS.pulsar}`,
};

/** Where a broker of a developer's machine is looked for. */
export const USUAL_PORTS = { kafka: 9092, pulsar: 6650, pulsarAdmin: 8080 } as const;

/** As it is to be started; ports that are not given are the usual ones. */
export type Wanted = Pick<BrokerState, "tls" | "auth"> & Partial<Pick<BrokerState, "port" | "adminPort">>;

/** Says that what follows takes longer than usual, if it does. */
export function announce(name: BrokerName, say: (line: string) => void): void {
  if (!existsSync(preparedFolder(name))) say(`${LABELS[name]}: fetching it into ${cacheFolder()}, once …`);
}

export async function begin(
  root: string,
  name: BrokerName,
  wanted: Wanted,
  say: (line: string) => void,
): Promise<BrokerState> {
  announce(name, say);
  const choose = async (usual: number): Promise<number> => {
    if (await isFree(usual)) return usual;
    const [port] = await freePorts(1);
    say(`${LABELS[name]}: port ${usual} is taken, it gets ${port} instead.`);
    return port!;
  };
  const { tls, auth } = wanted;
  const folder = folderOf(root, name);
  if (name === "kafka") {
    const port = await choose(wanted.port ?? USUAL_PORTS.kafka);
    const kafka = await startKafka({ folder, port, tls, ...(auth && { auth: "scram" as const }) });
    kafka.release();
    const { credentials, certificates, direct } = kafka;
    const addresses = [
      kafka.bootstrap,
      ...(credentials ? [`${credentials.mechanism}: ${credentials.username}, ${credentials.password}`] : []),
      ...(certificates ? [`authority: ${certificates.authorityFile}`] : []),
    ];
    return { pid: kafka.pid!, addresses, probe: direct, port, tls, auth };
  }
  const port = await choose(wanted.port ?? USUAL_PORTS.pulsar);
  const adminPort = await choose(wanted.adminPort ?? USUAL_PORTS.pulsarAdmin);
  const pulsar = await startPulsar({ folder, port, adminPort, tls, auth });
  pulsar.release();
  const { token, certificates, direct } = pulsar;
  const addresses = [
    pulsar.serviceUrl,
    pulsar.adminUrl,
    ...(token === undefined ? [] : [`token: ${token}`]),
    ...(certificates ? [`authority: ${certificates.authorityFile}`] : []),
  ];
  return { pid: pulsar.pid!, addresses, probe: direct.adminUrl, token, port, adminPort, tls, auth };
}

/** Whether it does what it is for, now. */
export function isReady(name: BrokerName, { probe, token }: BrokerState): Promise<boolean> {
  return name === "kafka" ? isAnswering(probe, READY_ASKED_FOR_MS) : isHealthy(probe, token, READY_ASKED_FOR_MS);
}

const READY_ASKED_FOR_MS = 5_000;
