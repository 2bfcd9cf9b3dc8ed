/** The Pulsar broker: the contract on Pulsar's topics, through one client and the admin API. */
import type { Broker, BrokerAdmin } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { createAdmin } from "./admin/admin.ts";
import { createPartitionInfo } from "./admin/info.ts";
import { createRest, type Rest } from "./admin/rest.ts";
import { createTopics } from "./admin/topics.ts";
import { createWriters, type Writers } from "./append/writers.ts";
import { PULSAR_CAPABILITIES } from "./capabilities.ts";
import { type Connection, createConnection } from "./connection.ts";
import { failureOf } from "./failures.ts";
import { createForeignTopics, type PulsarForeignTopics } from "./foreign/foreign.ts";
import { createPulsarGroups, type PulsarGroups } from "./groups/groups.ts";
import { comparePlaces, parseOffset } from "./offset.ts";
import { type PulsarBrokerOptions, type Settings, settingsOf } from "./options.ts";
import type { PulsarPort } from "./port.ts";
import { createProtocolPort } from "./protocol-port.ts";
import { createEnds } from "./read/ends.ts";
import { createReaders, type Readers } from "./read/readers.ts";
import { createTokenSource, type TokenSource } from "./token.ts";

/**
 * Resolves once Pulsar was reached, or after `connectTimeoutMs` without: then its health says why, and it goes on trying.
 * Throws `invalid_request` naming a bad option.
 */
export async function createPulsarBroker(options: PulsarBrokerOptions): Promise<Broker> {
  const settings = settingsOf(options);
  const token = createTokenSource(settings.token, settings.optionNames);
  return composePulsarBroker(settings, await portFor(settings, token), token);
}

/** The native client's code is loaded when it is chosen, not before. */
async function portFor(settings: Settings, token: TokenSource): Promise<PulsarPort> {
  if (settings.client === "protocol") return createProtocolPort(settings, token);
  const { createNativePort } = await import("./native/port.ts");
  return createNativePort(settings, token);
}

/** On a port that is there. */
export async function composePulsarBroker(settings: Settings, port: PulsarPort, token: TokenSource): Promise<Broker> {
  const rest = createRest(settings, token);
  const connection = createConnection(settings, port, rest);
  const parts = compose(settings, port, rest, connection);
  await connection.ready(settings.connectTimeoutMs).catch(() => undefined);
  return createFace(parts);
}

interface Parts {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly rest: Rest;
  readonly connection: Connection;
  readonly admin: BrokerAdmin;
  readonly writers: Writers;
  readonly readers: Readers;
  readonly groups: PulsarGroups;
  readonly foreign: PulsarForeignTopics;
  closing: Promise<void> | undefined;
}

function compose(settings: Settings, port: PulsarPort, rest: Rest, connection: Connection): Parts {
  const topics = createTopics({
    settings,
    rest,
    onGone(name, isReplaced) {
      ends.forget(name);
      writers.forget(name);
      readers.forget(name, isReplaced);
      groups.forget(name);
      if (isReplaced) groups.refresh(name);
    },
    onGrown: (name) => groups.refresh(name),
  });
  const ends = createEnds(settings, port);
  const ready = (): Promise<void> => connection.ready(settings.appendTimeoutMs);
  const writers = createWriters({ settings, port, topics, ends, ready });
  const readers = createReaders({ settings, port, topics, ends });
  const info = createPartitionInfo({ settings, topics, ends, eventsPerEntry: writers.eventsPerEntry });
  const groups = createPulsarGroups({ settings, port, rest, topics, readers, info });
  const admin = createAdmin({ settings, rest, topics, info, lag: groups.lag });
  const foreign = createForeignTopics({ settings, port, rest });
  return { settings, port, rest, connection, admin, writers, readers, groups, foreign, closing: undefined };
}

function createFace(parts: Parts): Broker {
  const { settings, admin, writers, readers, groups, foreign, connection, port } = parts;
  const assertOpen = (): void => {
    if (parts.closing !== undefined) throw new DistributionError("unavailable", "The broker is closed. Open it again.");
  };
  /** What is asked of the broker: refused once it is closed, and told in the contract's words. */
  const run = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    assertOpen();
    await connection.ready(settings.adminTimeoutMs);
    try {
      return await work();
    } catch (failure) {
      throw failureOf(failure, what);
    }
  };
  return {
    name: "pulsar",
    capabilities: { ...PULSAR_CAPABILITIES, maxBatchBytes: settings.maxBatchBytes },
    admin: {
      ensureTopic: (config) => run("ensureTopic", () => admin.ensureTopic(config)),
      topics: () => run("topics", () => admin.topics()),
      partitions: (topic) => run("partitions", () => admin.partitions(topic)),
      lag: (group, topic) => run("lag", () => admin.lag(group, topic)),
      truncate: (position) => run("truncate", () => admin.truncate(position)),
      deleteTopic: (name) => run("deleteTopic", () => admin.deleteTopic(name)),
      maintain: () => run("maintain", () => admin.maintain()),
    },
    async append(writes) {
      assertOpen();
      return writers.append(writes);
    },
    read: (topic, partition, from) => run(`${topic}/${partition}`, () => readers.open(topic, partition, from)),
    group: (options) => run(`the group ${options.name}`, () => groups.join(options)),
    foreign: {
      partitions: (topic) => run(topic, () => foreign.partitions(topic)),
      read: (topic, partition, from) => run(`${topic}/${partition}`, () => foreign.read(topic, partition, from)),
      join: (group) => run(`the group ${group.name}`, () => foreign.join(group)),
    },
    compareOffsets: (a, b) => comparePlaces(parseOffset(a, "a"), parseOffset(b, "b")),
    health() {
      if (parts.closing !== undefined) return { ready: false, reasons: ["The broker is closed."] };
      const reasons = connection.reasons();
      const { stuck } = writers;
      return { ready: reasons.length === 0, reasons: stuck === undefined ? reasons : [...reasons, stuck] };
    },
    close() {
      parts.closing ??= close(parts);
      return parts.closing;
    },
  };

  async function close({ rest }: Parts): Promise<void> {
    await writers.close();
    await groups.close();
    await foreign.close();
    await readers.close();
    connection.close();
    await port.close();
    rest.close();
  }
}
