/** All ingress topics of a service: a lane a partition, and what they have in common. */
import type { ForeignTopics, Position } from "../brokers/contract.ts";
import { type DistributionError, type ErrorCode, fieldError, toDistributionError } from "../errors.ts";
import { packEvents } from "../events/index.ts";
import type { Ingest } from "../ingest/contract.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { Identity } from "../security/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { IngressProgress, IngressTopic } from "./contract.ts";
import { type DeadLetter, deadLetterEvent, deadLettersTopic } from "./dead-letters.ts";
import { IngressLane, type LaneHost } from "./lane.ts";

export interface Ingress {
  /** What keeps lanes from going on; empty while nothing does. */
  troubles(): readonly string[];
  /** Finishes what is being published, and keeps where each lane is. Idempotent. */
  stop(): Promise<void>;
}

export interface IngressOptions {
  readonly service: string;
  readonly ingress: readonly IngressTopic[];
  /** The service's own: where events may go. */
  readonly topics: readonly TopicDefinition[];
  /** Absent when the broker has none. */
  readonly foreign: ForeignTopics | undefined;
  readonly ingest: Ingest;
  readonly ownIdentity: Identity;
  readonly progress: IngressProgress;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** An operator should know: records were lost to retention before they were read. */
  readonly onError: (error: DistributionError, part: string) => void;
}

/** How often topics are looked at: those that were not there yet, and partitions that were added. Milliseconds. */
const LOOK_EVERY_MS = 10_000;

/** What a dead letter is refused with for what it carries. */
const TOO_MUCH: ReadonlySet<ErrorCode> = new Set(["event_too_large", "batch_too_large", "invalid_event"]);

/** Begins to read at once. Throws `invalid_request` for a definition that cannot work here. */
export function createIngress(options: IngressOptions): Ingress {
  const { service, ingress, ingest, ownIdentity, progress, runtime, logger, metrics } = options;
  const foreign = checked(options);
  const deadTopic = deadLettersTopic(service).name;
  const lanes: IngressLane[] = [];
  const running: Promise<void>[] = [];
  /** By topic: why it, or its cursor, is not there. */
  const unseen = new Map<string, string>();
  const unkept = new Map<string, string>();
  let stopped = false;

  /** What can't be kept whole is kept without what its writer sent. */
  const bury = async (letter: DeadLetter): Promise<void> => {
    for (const parts of ["all", "place"] as const) {
      try {
        await ingest.publish(deadTopic, packEvents([deadLetterEvent(service, letter, parts)]), ownIdentity);
        return;
      } catch (failure) {
        const { code } = toDistributionError(failure);
        // It is there since before a crash; only the words of the reason are others now.
        if (code === "event_conflict") return;
        if (parts === "place" || !TOO_MUCH.has(code)) throw failure;
      }
    }
  };

  const hostOf = ({ from }: IngressTopic): LaneHost => {
    const records = metrics.counter("distribution_ingress_records_total", { topic: from });
    const dead = metrics.counter("distribution_ingress_dead_letters_total", { topic: from });
    const save = (): void => {
      const positions = lanes.flatMap(({ topic, position }) => (topic.from === from && position ? [position] : []));
      try {
        progress.save(nameOf(service, from), positions);
        unkept.delete(from);
      } catch (failure) {
        // There is no place for it among the cursors: records come in all the same, and again after a restart.
        unkept.set(from, `${from}: where it is read to is not kept: ${toDistributionError(failure).message}`);
      }
    };
    return {
      ...{ foreign, runtime },
      publish: (topic, batch) => ingest.publish(topic, batch, ownIdentity),
      async bury(letter) {
        await bury(letter);
        dead.value += 1;
      },
      passed(_lane, count) {
        records.value += count;
        save();
      },
      lost({ partition }, error) {
        logger.error(
          { err: error, topic: from, partition },
          "Records of an ingress topic were gone before they were read.",
        );
        options.onError(error, `ingress/${from}/${partition}`);
      },
      held({ partition }, error) {
        logger.warn(
          { err: error, topic: from, partition },
          "A partition of an ingress topic is held back; it is tried again.",
        );
      },
    };
  };

  const hosts = new Map(ingress.map((topic) => [topic, hostOf(topic)]));

  const look = async (topic: IngressTopic): Promise<void> => {
    try {
      const count = await foreign.partitions(topic.from);
      unseen.delete(topic.from);
      const known = lanes.filter((lane) => lane.topic === topic).length;
      if (stopped || count <= known) return;
      const positions = progress.load(nameOf(service, topic.from)) ?? [];
      for (let partition = known; partition < count; partition += 1) {
        begin(
          topic,
          partition,
          positions.find((each) => each.partition === partition),
          known > 0 || positions.length > 0,
        );
      }
    } catch (failure) {
      unseen.set(topic.from, `${topic.from}: ${toDistributionError(failure).message}`);
    }
  };

  const begin = (topic: IngressTopic, partition: number, position: Position | undefined, added: boolean): void => {
    // What lies in a partition that was added came after the others were read: all of it is wanted.
    const start = added ? "earliest" : (topic.start ?? "earliest");
    const lane = new IngressLane({ topic, partition, position, start, host: hosts.get(topic)! });
    lanes.push(lane);
    running.push(lane.run());
  };

  let looking = false;
  const lookAtAll = async (): Promise<void> => {
    // While the broker is away, a look may take longer than the time between two.
    if (looking) return;
    looking = true;
    await Promise.all(ingress.map(look));
    looking = false;
  };
  void lookAtAll();
  const timer: Timer = runtime.timers.every(LOOK_EVERY_MS, () => void lookAtAll());

  return {
    troubles: () => [...unseen.values(), ...unkept.values(), ...lanes.flatMap(({ trouble }) => trouble ?? [])],
    async stop() {
      stopped = true;
      timer.cancel();
      await Promise.all(lanes.map((lane) => lane.stop()));
      await Promise.all(running);
      await progress.flush();
    },
  };
}

/** Of the service's own cursors; no client's name begins so. */
const nameOf = (service: string, from: string): string => `service:${service}/ingress/${from}`;

function checked({ service, ingress, topics, foreign }: IngressOptions): ForeignTopics {
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
    const message = "the broker has no topics that others write to; choose kafka, or leave it out";
    throw fieldError("invalid_request", "ingress", message);
  }
  return foreign;
}
