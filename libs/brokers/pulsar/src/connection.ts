/** The way to the brokers: connects at start and until it succeeds, sets up the namespace, and says what is wrong meanwhile. */
import { DistributionError, fieldError, toDistributionError } from "@distribution/core/errors";
import type { Timer } from "@distribution/core/runtime";
import { type Rest, reasonOf } from "./admin/rest.ts";
import { failureOf } from "./failures.ts";
import { RECORD_OVERHEAD, type Settings } from "./options.ts";
import { PortError, type PulsarPort } from "./port.ts";

export interface Connection {
  /** Resolves once the brokers were reached and the namespace is there; rejects with why not when that takes longer. */
  ready(withinMs: number): Promise<void>;
  reasons(): readonly string[];
  close(): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** A token that is refused is not tried over and over. */
const REFUSED_PAUSE_MS = 30_000;

const NOT_FOUND = 404;
const CONFLICT = 409;

type Needs = Pick<
  Settings,
  "runtime" | "logger" | "tenant" | "namespace" | "maxBatchBytes" | "serviceUrl" | "optionNames"
>;

export function createConnection(settings: Needs, port: PulsarPort, rest: Rest): Connection {
  const { runtime, logger } = settings;
  let reached = false;
  let trying = false;
  let closed = false;
  let failure: DistributionError | undefined;
  /** What the log has already: it is not said again with every try. */
  let told: string | undefined;
  let refused = false;
  let timer: Timer | undefined;
  let waiting: (() => void)[] = [];

  const attempt = async (): Promise<void> => {
    const { maxMessageBytes } = await port.ready();
    const room = maxMessageBytes - RECORD_OVERHEAD;
    if (settings.maxBatchBytes > room) {
      const limit = `may be ${room}, since Pulsar takes messages of ${maxMessageBytes} bytes (maxMessageSize)`;
      throw fieldError("invalid_request", "maxBatchBytes", `${limit}, not ${settings.maxBatchBytes}`);
    }
    await prepareNamespace(settings, rest);
  };

  const connect = async (pauseMs: number): Promise<void> => {
    trying = true;
    try {
      await attempt();
      if (failure !== undefined) logger?.info({ url: settings.serviceUrl.href }, "Pulsar is there.");
      reached = true;
      trying = false;
      failure = undefined;
      told = undefined;
    } catch (caught) {
      if (closed) return;
      const { message } = toDistributionError(failureOf(caught, settings.serviceUrl.href));
      failure = new DistributionError("unavailable", message, { cause: caught });
      refused = isLasting(caught);
      logger?.[message === told ? "debug" : "warn"]({ url: settings.serviceUrl.href }, message);
      told = message;
      const longest = refused ? REFUSED_PAUSE_MS : pauseMs;
      const wait = longest * (0.5 + runtime.random.next() / 2);
      timer = runtime.timers.after(wait, () => void connect(Math.min(2 * pauseMs, LONGEST_PAUSE_MS)));
    }
    for (const look of waiting.splice(0)) look();
  };

  void connect(FIRST_PAUSE_MS);

  const silent = `${settings.serviceUrl.href} does not answer; check ${settings.optionNames("serviceUrl")}.`;

  return {
    async ready(withinMs) {
      const until = runtime.clock.monotonicMs() + withinMs;
      while (!reached) {
        if (closed) throw new DistributionError("unavailable", "The broker is closed. Open it again.");
        if (refused && failure !== undefined) throw failure;
        const left = until - runtime.clock.monotonicMs();
        if (left <= 0) {
          throw failure ?? new DistributionError("unavailable", rest.trouble ?? silent);
        }
        let late: Timer | undefined;
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          late = runtime.timers.after(left, resolve);
        });
        late?.cancel();
      }
    },
    reasons() {
      if (failure !== undefined) return [failure.message];
      const { connected, reason } = port.health();
      if (!reached) return [rest.trouble ?? `Connecting to ${settings.serviceUrl.href}.`];
      // Where nothing is attached, nobody else would connect again.
      if (!connected && !trying) void connect(FIRST_PAUSE_MS);
      return connected ? [] : [`Not connected to Pulsar: ${reason ?? "the connection is lost"}.`];
    },
    close() {
      closed = true;
      timer?.cancel();
      for (const look of waiting) look();
      waiting = [];
    },
  };
}

/** What somebody has to mend: a setting, or a permission. */
function isLasting(failure: unknown): boolean {
  if (failure instanceof PortError) return failure.code === "refused";
  return failure instanceof DistributionError && failure.code === "invalid_request";
}

/**
 * Creates the namespace where it is missing. Topics come by `ensureTopic` alone: a client that holds on to a deleted one would
 * bring it back without its epoch.
 */
async function prepareNamespace({ tenant, namespace, logger, optionNames: called }: Needs, rest: Rest): Promise<void> {
  const path = `/namespaces/${encodeURIComponent(tenant)}/${encodeURIComponent(namespace)}`;
  if ((await rest.get(path)) === undefined) {
    const { status, text } = await rest.send("PUT", path, { also: [CONFLICT, NOT_FOUND] });
    if (status === NOT_FOUND) {
      const found = `${tenant}/${namespace} is not there, and cannot be created (${reasonOf(text)})`;
      const remedy = `create the tenant or name one that is there, and see that ${called("adminUrl")} is Pulsar's admin API`;
      throw fieldError("invalid_request", called("tenant"), `${found}; ${remedy}`);
    }
  }
  try {
    const creation = await rest.get<{ allowAutoTopicCreation?: boolean }>(`${path}/autoTopicCreation`);
    if (creation?.allowAutoTopicCreation === false) return;
    await rest.send("POST", `${path}/autoTopicCreation`, {
      body: { allowAutoTopicCreation: false },
      also: [NOT_FOUND],
    });
  } catch (failure) {
    const why = failure instanceof Error ? failure.message : String(failure);
    logger?.warn(
      { tenant, namespace },
      `Deleted topics may come back, since their automatic creation stays on: ${why}`,
    );
  }
}
