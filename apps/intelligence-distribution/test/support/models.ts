/** Read models fed without a service, and refusals by what they say. */
import { DistributionError } from "@distribution/core/errors";
import { packEvents } from "@distribution/core/events";
import { feedProjections } from "@distribution/core/projections";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { IntelligenceEvent } from "@distribution/proto-types/intelligence/v1/intelligence";
import { createReadModels, type ReadModelOptions } from "../../src/domain/read-models.ts";
import { INTELLIGENCE_TOPICS } from "../../src/domain/topics.ts";
import { eventOf, topicOf } from "./findings.ts";

/** Each finding is the next event of one partition of its kind's topic. */
export function fedModels(options?: ReadModelOptions) {
  const models = createReadModels(options);
  const feed = feedProjections(INTELLIGENCE_TOPICS, Object.values(models));
  let offset = 0;
  const tellEvent = (topic: string, event: Event): void => {
    offset += 1;
    const { bytes, bounds } = packEvents([event]);
    const position = { topic, partition: 0, epoch: "e1", offset: String(offset) };
    feed({ position, appendedAt: BigInt(offset), bytes: bytes.subarray(bounds[0], bounds[1]) });
  };
  const tell = (...findings: readonly IntelligenceEvent[]): void => {
    for (const finding of findings) tellEvent(topicOf(finding), eventOf(finding));
  };
  return { models, tell, tellEvent };
}

/** What the refusal says: code, path and message of its first field. Throws when nothing is refused. */
export function reasonOf(run: () => unknown): readonly [code: string, path: string | undefined, message: string] {
  try {
    run();
  } catch (failure) {
    if (!(failure instanceof DistributionError)) throw failure;
    return [failure.code, failure.errors[0]?.path, failure.errors[0]?.message ?? failure.message];
  }
  throw new Error("Nothing was refused.");
}
