/** The REST face as a client uses it: what is this domain's of it. */
import { askUntil, type Published, publishJsonBatch, type ReadAnswer } from "@distribution/testkit/service";
import { cloudEvent, type TestEvent } from "./events.ts";
import type { Ports } from "./service.ts";

export {
  get,
  hasEvents,
  publishEvents,
  type ReadAnswer,
  Refused,
  readPages,
  refusal,
  request,
} from "@distribution/testkit/service";

/** As CloudEvents in JSON, all of one topic. */
export const publish = (ports: Ports, ...events: readonly TestEvent[]): Promise<Published> =>
  publishJsonBatch(ports, events[0]!.topic, events.map(cloudEvent));

/** One after the other, whatever their topics. */
export async function publishEach(ports: Ports, events: readonly TestEvent[]): Promise<void> {
  for (const event of events) await publish(ports, event);
}

/** The answer once it is as it should be: what was acknowledged a moment ago comes milliseconds later. */
export async function answerWhen<T>(
  ports: Ports,
  path: string,
  isThere: (answer: T & ReadAnswer) => boolean,
): Promise<T & ReadAnswer> {
  const { body } = await askUntil<T & ReadAnswer>(ports, path, (reply) => reply.status === 200 && isThere(reply.body));
  return body;
}
