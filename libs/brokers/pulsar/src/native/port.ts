/** The port on npm's `pulsar-client`, where it is installed. What it cannot do is in docs/brokers.md. */
import { createRest, type Rest } from "../admin/rest.ts";
import { topicPath } from "../names.ts";
import type { EntryId } from "../offset.ts";
import type { Settings } from "../options.ts";
import { PortError, type PulsarPort, type ReadOptions } from "../port.ts";
import type { TokenSource } from "../token.ts";
import { loadNativeClient, type NativeApi } from "./client.ts";
import { connect } from "./connect.ts";
import { told } from "./failures.ts";
import { openProducer } from "./producer.ts";
import { type LogReader, openReader } from "./reader.ts";
import { takeSeat } from "./seat.ts";

/** The client does not tell what the broker takes; this is Pulsar's default. */
const MAX_MESSAGE_BYTES = 5 * 1024 * 1024;
/** How often it is looked what became of readers and seats, ms. */
const LOOK_EVERY_MS = 1000;
/** For finding a message of its own. */
const LOOK_QUEUE_BYTES = 1024 * 1024;

/** Throws `invalid_request` naming the setting where the client is not installed. */
export function createNativePort(settings: Settings, token: TokenSource): PulsarPort {
  return nativePortOn(loadNativeClient(settings.optionNames), settings, token);
}

/** On a client that is there. */
export function nativePortOn(api: NativeApi, settings: Settings, token: TokenSource): PulsarPort {
  const { runtime } = settings;
  const rest = createRest(settings, token);
  const topics = createTopicAnswers(rest);
  const connected = connect(api, settings, token);
  const { client } = connected;
  const { keep, close: closeParts } = createParts(settings);
  let closing: Promise<void> | undefined;

  const read = async (options: ReadOptions): Promise<LogReader> => {
    const reader = await openReader({ api, client, runtime }, options);
    return keep(reader, async () => {
      // The client tries for ever to come back to a topic that is gone.
      if (reader.connected || (await topics.exists(options.topic))) return;
      reader.fail(new PortError("unknown_topic", `${options.topic} was deleted.`));
    });
  };

  const close = async (): Promise<void> => {
    await closeParts();
    rest.close();
    await told(connected.close());
  };

  return {
    async ready() {
      await topics.checkToken(settings);
      await connected.ask();
      return { maxMessageBytes: MAX_MESSAGE_BYTES };
    },
    async produce(options) {
      const locating = { queueBytes: LOOK_QUEUE_BYTES, compacted: false };
      return keep(
        await openProducer(
          {
            ...{ client, runtime },
            lastEntry: topics.lastEntry,
            read: (topic, after) =>
              read({ topic, from: after === undefined ? { at: "earliest" } : { after }, ...locating }),
          },
          options,
        ),
      );
    },
    read,
    async seat(options) {
      const seat = await takeSeat({ api, client, chosen: topics.chosen }, options);
      return keep(seat, () => seat.look());
    },
    health: connected.health,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

interface Closable {
  close(): Promise<void>;
}

interface Part extends Closable {
  readonly look: (() => Promise<void>) | undefined;
}

/** What is open: closed with the port, if not before, and looked after meanwhile. */
function createParts({ runtime, logger }: Pick<Settings, "runtime" | "logger">) {
  const parts = new Set<Part>();
  const looking = new Set<Part>();
  let isAway = false;
  const look = async (part: Part): Promise<void> => {
    if (part.look === undefined || looking.has(part)) return;
    looking.add(part);
    try {
      await part.look();
      isAway = false;
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : String(failure);
      // Once an outage, for all parts.
      if (parts.has(part)) logger?.[isAway ? "debug" : "warn"]({}, `Pulsar was not asked: ${message}`);
      isAway = true;
    }
    looking.delete(part);
  };
  const watch = runtime.timers.every(LOOK_EVERY_MS, () => {
    for (const part of parts) void look(part);
  });
  return {
    keep<T extends Closable>(part: T, look?: () => Promise<void>): T {
      const kept: Part = { close: part.close, look };
      parts.add(kept);
      part.close = async () => {
        parts.delete(kept);
        await kept.close();
      };
      return part;
    },
    async close(): Promise<void> {
      watch.cancel();
      const all = [...parts];
      parts.clear();
      await Promise.all(all.map((part) => part.close().catch(() => undefined)));
    },
  };
}

/** What the admin API says of a topic, by the address that clients have of it. */
function createTopicAnswers(rest: Rest) {
  const path = (url: string, what: string): string => {
    const [, tenant = "", namespace = "", name = ""] = /^persistent:\/\/([^/]*)\/([^/]*)\/(.*)$/.exec(url) ?? [];
    return `${topicPath({ tenant, namespace }, name)}/${what}`;
  };
  return {
    /** The client tries for ever with a token that is refused, and does not say so. */
    async checkToken({ tenant, namespace }: Settings): Promise<void> {
      try {
        await rest.get(`/namespaces/${encodeURIComponent(tenant)}/${encodeURIComponent(namespace)}`);
      } catch (failure) {
        const message = failure instanceof Error ? failure.message : String(failure);
        // What else may be wrong with the admin API is no matter here.
        if (message.includes("(401)")) throw new PortError("refused", message, { cause: failure });
      }
    },
    exists: async (url: string): Promise<boolean> => (await rest.get(path(url, "stats"))) !== undefined,
    async chosen(url: string, subscription: string): Promise<string | undefined> {
      const stats = await rest.get<TopicStats>(path(url, "stats"));
      return stats?.subscriptions?.[subscription]?.activeConsumerName;
    },
    async lastEntry(url: string): Promise<EntryId | undefined> {
      const id = await rest.get<{ ledgerId: string; entryId: string }>(path(url, "lastMessageId"));
      if (id === undefined) return undefined;
      if (BigInt(id.entryId) >= 0n) return { ledger: BigInt(id.ledgerId), entry: BigInt(id.entryId) };
      // A ledger was begun that has none yet.
      const stats = await rest.get<LedgerStats>(path(url, "internalStats"));
      const last = stats?.ledgers?.findLast(({ entries }) => entries > 0);
      return last === undefined ? undefined : { ledger: BigInt(last.ledgerId), entry: BigInt(last.entries - 1) };
    },
  };
}

interface LedgerStats {
  readonly ledgers?: readonly { readonly ledgerId: number; readonly entries: number }[];
}

interface TopicStats {
  readonly subscriptions?: Readonly<Record<string, { readonly activeConsumerName?: string }>>;
}
