/** All ingress topics of a service: a lane a partition, and what they have in common. */
import type { ForeignTopics, Position } from "../brokers/contract.ts";
import { type DistributionError, fieldError, toDistributionError } from "../errors.ts";
import { packEvents } from "../events/index.ts";
import type { Ingest } from "../ingest/contract.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { Identity } from "../security/contract.ts";
import type { TopicDefinition } from "../topics.ts";
import type { IngressProgress, IngressTopic } from "./contract.ts";
import { deadLetterEvent, deadLettersTopic } from "./dead-letters.ts";
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

/** Begins to read at once. Throws `invalid_request` for a definition that cannot work here. */
export function createIngress(options: IngressOptions): Ingress {
  const { service, ingress, ingest, ownIdentity, progress, runtime, logger, metrics } = options;
  const foreign = checked(options);
  const deadTopic = deadLettersTopic(service).name;
  const lanes: IngressLane[] = [];
  const running: Promise<void>[] = [];
  const unseen = new Map<string, string>();
  let stopped = false;

  const hostOf = ({ from }: IngressTopic): LaneHost => {
    const records = metrics.counter("distribution_ingress_records_total", { topic: from });
    const dead = metrics.counter("distribution_ingress_dead_letters_total", { topic: from });
    const save = (): void => {
      const positions = lanes.flatMap(({ topic, position }) => (topic.from === from && position ? [position] : []));
      progress.save(nameOf(service, from), positions);
    };
    return {
      ...{ foreign, runtime },
      publish: (topic, batch) => ingest.publish(topic, batch, ownIdentity),
      async bury(letter) {
        await ingest.publish(deadTopic, packEvents([deadLetterEvent(service, letter)]), ownIdentity);
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

  let looking: Promise<unknown> = Promise.resolve();
  const lookAtAll = (): void => {
    looking = looking.then(() => Promise.all(ingress.map(look)));
  };
  lookAtAll();
  const timer: Timer = runtime.timers.every(LOOK_EVERY_MS, lookAtAll);

  return {
    troubles: () => [...unseen.values(), ...lanes.flatMap(({ trouble }) => trouble ?? [])],
    async stop() {
      stopped = true;
      timer.cancel();
      await looking;
      await Promise.all(lanes.map((lane) => lane.stop()));
      await Promise.all(running);
      await progress.flush();
    },
  };
}

/** Of the service's own cursors; no client's name begins so. */
const nameOf = (service: string, from: string): string => `service:${service}/ingress/${from}`;

function checked({ ingress, topics, foreign }: IngressOptions): ForeignTopics {
  for (const [at, { from, into }] of ingress.entries()) {
    const path = `ingress[${at}]`;
    if (ingress.findIndex((each) => each.from === from) < at) {
      throw fieldError("invalid_request", `${path}.from`, `${from} is read already; a topic comes in one way`);
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
