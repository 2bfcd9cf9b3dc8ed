/** deploy/compose.yaml is the same brokers as those of this package, for a Docker engine. None runs here: its shape, and its settings. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { kafkaProperties } from "../src/kafka/properties.ts";
import { VERSIONS } from "../src/process/versions.ts";
import { pulsarSettings } from "../src/pulsar/configuration.ts";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
  readonly environment: Readonly<Record<string, string>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const { services, volumes } = parse(
  readFileSync(resolve(import.meta.dirname, "../../../deploy/compose.yaml"), "utf8"),
) as Compose;
const kafka = services["kafka"]!;
const pulsar = services["pulsar"]!;

/** Of an environment, the settings that an image takes out of it. */
function settingsOf({ environment }: Service, prefix: string): Readonly<Record<string, string>> {
  const entries = Object.entries(environment).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(prefix.length), value]));
}

const asTexts = (settings: object): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));

/** Inside a container they listen on all addresses, and tell other containers another address than this machine. */
const KAFKA_ADDRESSES = ["listeners", "advertised.listeners"];
const PULSAR_ADDRESSES = ["bindAddress", "bindAddresses", "advertisedListeners"];

const without = (settings: Readonly<Record<string, string>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)));

describe("the brokers of a Docker engine", () => {
  it("are the same two, of the same versions, reached from this machine alone", () => {
    expect(Object.keys(services)).toEqual(["kafka", "pulsar"]);
    expect(kafka.image).toBe(`apache/kafka:${VERSIONS.kafka}`);
    expect(pulsar.image).toBe(`apachepulsar/pulsar:${VERSIONS.pulsar}`);
    expect(kafka.ports).toEqual(["127.0.0.1:9092:9092"]);
    expect(pulsar.ports).toEqual(["127.0.0.1:6650:6650", "127.0.0.1:8080:8080"]);
  });

  it("keep their data in volumes, and say when they are ready", () => {
    for (const [name, { volumes: mounted, healthcheck }] of Object.entries(services)) {
      expect(Object.keys(volumes)).toContain(mounted[0]!.split(":")[0]);
      expect(healthcheck.test[0], name).toBe("CMD");
    }
    const data = settingsOf(kafka, "KAFKA_")["LOG_DIRS"];
    expect(kafka.volumes).toEqual([`kafka:${data}`]);
  });

  it("have texts for values: numbers and truth would be read by YAML first", () => {
    for (const { environment } of Object.values(services)) {
      for (const [name, value] of Object.entries(environment)) expect(value, name).toBeTypeOf("string");
    }
  });

  it("have Kafka's settings of this package", () => {
    const { HEAP_OPTS: _, ...set } = settingsOf(kafka, "KAFKA_");
    const ports = { client: 9092, advertised: 9092, direct: 9094, controller: 9093 };
    const wanted = asTexts(kafkaProperties("/var/lib/kafka/data", ports));
    const named = Object.fromEntries(
      Object.entries(set).map(([name, value]) => [name.toLowerCase().replaceAll("_", "."), value]),
    );
    expect(without(named, KAFKA_ADDRESSES)).toEqual(without(wanted, KAFKA_ADDRESSES));
    expect(named["listeners"]).toBe("CLIENT://:9092,DIRECT://:9094,CONTROLLER://127.0.0.1:9093");
    expect(named["advertised.listeners"]).toBe("CLIENT://127.0.0.1:9092,DIRECT://kafka:9094");
  });

  it("have Pulsar's settings of this package", () => {
    const set = settingsOf(pulsar, "PULSAR_PREFIX_");
    const wanted = asTexts(pulsarSettings({ client: 6650, advertised: 6650, direct: 6651, web: 8080, webTls: 0 }));
    expect(without(set, PULSAR_ADDRESSES)).toEqual(without(wanted, PULSAR_ADDRESSES));
    expect(set["bindAddresses"]).toBe("client:pulsar://0.0.0.0:6650");
    expect(set["advertisedListeners"]).toBe("direct:pulsar://pulsar:6651,client:pulsar://127.0.0.1:6650");
    expect(pulsar.command?.at(-1)).toContain("bin/apply-config-from-env.py conf/standalone.conf");
  });
});
