/** All ingress topics of a service: one member of the group that its replicas are, a lane for every partition it has. */
import type { Broker, ForeignMember, ForeignPartition, ForeignTopics } from "../brokers/contract.ts";
import { DistributionError, type ErrorCode, fieldError, toDistributionError } from "../errors.ts";
import { packEvents } from "../events/index.ts";
import type { Ingest } from "../ingest/contract.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { Identity } from "../security/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { IngressProgress, IngressTopic } from "./contract.ts";
import { type DeadLetter, deadLetterEvent, deadLettersTopic } from "./dead-letters.ts";
import { IngressLane, type LaneHost } from "./lane.ts";
import { createNotices } from "./notices.ts";
import { recollect } from "./recollect.ts";

export interface Ingress {
  /** What keeps lanes from going on, and for a while what was lost or given up; empty while there is nothing. */
  troubles(): readonly string[];
  /** Finishes what is being published, and settles where each lane is. Idempotent. */
  stop(): Promise<void>;
}

export interface IngressOptions {
  readonly service: string;
  readonly ingress: readonly IngressTopic[];
  /** The service's own: where events may go. */
  readonly topics: readonly TopicDefinition[];
  /** Its `foreign` is absent when it has none. */
  readonly broker: Pick<Broker, "admin" | "read" | "compareOffsets" | "foreign">;
  readonly ingest: Ingest;
  readonly ownIdentity: Identity;
  readonly progress: IngressProgress;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** An operator should know: records were lost before they were read, may come twice, or were given up for a defect. */
  readonly onError: (error: DistributionError, part: string) => void;
}

/** How often topics that were not there are looked for, and the group is joined when it could not be. Milliseconds. */
const LOOK_EVERY_MS = 10_000;

/** What a dead letter is refused with for what it carries. */
const TOO_MUCH: ReadonlySet<ErrorCode> = new Set(["event_too_large", "batch_too_large", "invalid_event"]);

const BROKEN = {
  expired: "Records of an ingress topic were gone before they were read; the oldest that is kept comes next.",
  reset: "An ingress topic is not the one that was read: it was created again or cut back. It goes on as `reset` says.",
} as const;

/** Begins to read at once. Throws `invalid_request` for a definition that cannot work here. */
export function createIngress(options: IngressOptions): Ingress {
  const { service, ingress, runtime, logger, progress } = options;
  const foreign = checked(options);
  const notices = createNotices(runtime.clock);
  /** By topic: why it, or what is remembered of it, is not there. */
  const unseen = new Map<string, string>();
  const unkept = new Map<string, string>();
  const lanes = new Set<IngressLane>();
  /** By partition: resolves when the lane that has it, or had it last, is done. */
  const running = new Map<string, Promise<void>>();
  let member: ForeignMember | undefined;
  let unjoined: string | undefined;
  let stopped = false;

  const remember: Remember = (name, position) => {
    const { topic } = position;
    try {
      progress.save(name, [position]);
      unkept.delete(topic);
    } catch (failure) {
      // There is no place for it among the cursors: the group's own progress has to do.
      unkept.set(
        topic,
        `${topic}: where it is read to is kept by the group alone: ${toDistributionError(failure).message}`,
      );
    }
  };

  // Before any partition is taken: the first ones of a topic that is new would make all others look like later ones.
  const known = new Set(ingress.flatMap(({ from }) => (progress.load(nameOf(service, from, 0)) ? [from] : [])));

  const own = async (partition: ForeignPartition): Promise<void> => {
    const { topic: from, ending } = partition;
    const topic = ingress.find((each) => each.from === from)!;
    const place = `${from}/${partition.partition}`;
    const before = running.get(place);
    const { promise, resolve } = Promise.withResolvers<void>();
    running.set(place, promise);
    // It may have been lost, and come back while what was under way was still finished.
    await before;
    const remembered = progress.load(nameOf(service, from, partition.partition))?.[0];
    const isAdded = partition.begun || known.has(from);
    const host = laneHost(options, foreign, { topic, partition, place }, notices.tell, remember);
    if (partition.progress === undefined && remembered !== undefined) {
      logger.warn(
        { topic: from, partition: partition.partition },
        "The group's progress is gone; the service's own log has it.",
      );
    }
    const lane = new IngressLane({ topic, partition, remembered, isAdded, host });
    const end = (): void => lane.stop();
    ending.addEventListener("abort", end);
    if (ending.aborted) end();
    lanes.add(lane);
    await lane.run();
    lanes.delete(lane);
    ending.removeEventListener("abort", end);
    if (running.get(place) === promise) running.delete(place);
    resolve();
  };

  const look = async ({ from }: IngressTopic, at: number): Promise<void> => {
    try {
      await foreign.partitions(from);
      unseen.delete(from);
    } catch (failure) {
      const { code, message } = toDistributionError(failure);
      // Whoever writes to it owns it: what the broker says of topics of ours is no help.
      unseen.set(from, code === "unknown_topic" ? notThere(from, at) : `${from}: ${message}`);
    }
  };

  const join = async (): Promise<void> => {
    if (member !== undefined) return;
    try {
      const topics = ingress.map(({ from }) => from);
      const joined = await foreign.join({ name: `${service}.ingress`, topics, own });
      unjoined = undefined;
      member = joined;
      if (stopped) await joined.close();
    } catch (failure) {
      unjoined = `ingress: ${toDistributionError(failure).message}`;
    }
  };

  let looking = false;
  const lookAtAll = async (): Promise<void> => {
    // While the broker is away, a look may take longer than the time between two.
    if (looking) return;
    looking = true;
    await Promise.all([join(), ...ingress.map(look)]);
    looking = false;
  };
  void lookAtAll();
  const timer: Timer = runtime.timers.every(LOOK_EVERY_MS, () => void lookAtAll());

  return {
    troubles: () => [
      ...(unjoined === undefined ? [] : [unjoined]),
      ...[...unseen.values(), ...unkept.values()],
      ...[...lanes].flatMap(({ trouble }) => trouble ?? []),
      ...notices.all(),
    ],
    async stop() {
      stopped = true;
      timer.cancel();
      await member?.close();
      await Promise.all(running.values());
      await progress.flush();
    },
  };
}

const notThere = (from: string, at: number): string =>
  `${from}: the broker has no such topic. Whoever writes to it has to create it, or ingress[${at}].from names another; it is looked for every ${LOOK_EVERY_MS / 1_000} s.`;

type Remember = (name: string, position: Parameters<LaneHost["took"]>[0]) => void;

interface LaneOf {
  readonly topic: IngressTopic;
  readonly partition: ForeignPartition;
  readonly place: string;
}

function laneHost(
  options: IngressOptions,
  foreign: ForeignTopics,
  { topic, partition, place }: LaneOf,
  tell: (text: string) => void,
  remember: Remember,
): LaneHost {
  const { service, topics, broker, ingest, ownIdentity, runtime, logger, metrics } = options;
  const { from, into } = topic;
  const labels = { topic: from, partition: partition.partition };
  const records = metrics.counter("distribution_ingress_records_total", { topic: from });
  const deadTopic = deadLettersTopic(service).name;
  // Publishes of one subject keep their order, and wait for one another: those of a partition do, and no others.
  const identity: Identity = { ...ownIdentity, subject: `${ownIdentity.subject}/ingress/${place}` };
  const parts = { broker, topics: topics.map(({ name }) => name), logger };
  return {
    ...{ service, foreign, runtime, compareOffsets: (a, b) => broker.compareOffsets(a, b) },
    publish: (batch) => ingest.publish(into, batch, identity),
    recollect: (since, wanted) => recollect(parts, since, wanted),
    async bury(letter) {
      await bury(options, deadTopic, letter);
      const { error } = letter;
      metrics.counter("distribution_ingress_dead_letters_total", { topic: from, code: error.code }).value += 1;
      if (error.code !== "internal") return;
      logger.error({ err: error, ...labels }, "A record was given up: a defect of the service refuses it.");
      tell(`${place}: records became dead letters by a defect of the service: ${error.message}`);
      options.onError(error, `ingress/${place}`);
    },
    took(position, count) {
      records.value += count;
      remember(nameOf(service, from, partition.partition), position);
    },
    lookedUp(events, known) {
      logger.info(
        { ...labels, events, known },
        "What another replica had begun of a partition was looked up in the log.",
      );
    },
    broken(why, error) {
      metrics.counter("distribution_ingress_breaks_total", { topic: from, reason: why }).value += 1;
      logger.error({ err: error, ...labels }, BROKEN[why]);
      tell(`${place}: ${BROKEN[why]} ${error.message}`);
      options.onError(error, `ingress/${place}`);
    },
    unsettled() {
      const message = "An append of it had not ended in time; what it holds may come in twice.";
      const error = new DistributionError("unavailable", `${place} went to another replica: ${message}`);
      logger.error({ err: error, ...labels }, "A partition of an ingress topic was lost in the middle of an append.");
      tell(error.message);
      options.onError(error, `ingress/${place}`);
    },
    held(error) {
      logger.warn({ err: error, ...labels }, "A partition of an ingress topic is held back; it is tried again.");
    },
  };
}

/** What can't be kept whole is kept without what its writer sent. */
async function bury(
  { service, ingest, ownIdentity }: IngressOptions,
  topic: string,
  letter: DeadLetter,
): Promise<void> {
  for (const parts of ["all", "place"] as const) {
    try {
      await ingest.publish(topic, packEvents([deadLetterEvent(service, letter, parts)]), ownIdentity);
      return;
    } catch (failure) {
      const { code } = toDistributionError(failure);
      // It is there since before a crash; only the words of the reason are others now.
      if (code === "event_conflict") return;
      if (parts === "place" || !TOO_MUCH.has(code)) throw failure;
    }
  }
}

/** Of the service's own cursors; no client's name begins so. */
const nameOf = (service: string, from: string, partition: number): string =>
  `service:${service}/ingress/${from}/${partition}`;

function checked({ service, ingress, topics, broker: { foreign } }: IngressOptions): ForeignTopics {
  // Of the cursors the engine makes one beside them.
  const own = [...topics.map(({ name }) => name), `${service}.cursors`];
  for (const [at, { from, into }] of ingress.entries()) {
    const path = `ingress[${at}]`;
    if (ingress.findIndex((each) => each.from === from) < at) {
      throw fieldError("invalid_request", `${path}.from`, `${from} is read already; a topic comes in one way`);
    }
    if (own.includes(from)) {
      const message = `${from} is the service's own topic; what it publishes would come in again, for ever`;
      throw fieldError("invalid_request", `${path}.from`, message);
    }
    const target = topics.find(({ name }) => name === into);
    if (target === undefined || target.internal) {
      throw fieldError("invalid_request", `${path}.into`, `${into} is no topic that events can be published on`);
    }
  }
  if (foreign === undefined) {
    const message = "the broker has no topics that others write to; choose kafka or pulsar, or leave it out";
    throw fieldError("invalid_request", "ingress", message);
  }
  return foreign;
}
