/** The REST face as a client uses it: what is this domain's of it. */
import { type Published, publishJsonBatch, type ReadAnswer, request, until } from "@distribution/testkit/service";
import { cloudEvent, type TestEvent } from "./events.ts";
import type { Ports } from "./service.ts";

export { type ReadAnswer, Refused, refusal, request } from "@distribution/testkit/service";

export const get = <T>(ports: Ports, path: string): Promise<T & ReadAnswer> => request(ports, path);

/** As CloudEvents in JSON, all of one topic. */
export const publish = (ports: Ports, ...events: readonly TestEvent[]): Promise<Published> =>
  publishJsonBatch(ports, events[0]!.topic, events.map(cloudEvent));

/** One after the other, whatever their topics. */
export async function publishEach(ports: Ports, events: readonly TestEvent[]): Promise<void> {
  for (const event of events) await publish(ports, event);
}

/** The answer once it is as it should be: what was acknowledged a moment ago comes milliseconds later. */
export function answerWhen<T>(
  ports: Ports,
  path: string,
  isThere: (answer: T & ReadAnswer) => boolean,
): Promise<T & ReadAnswer> {
  let last: unknown;
  return until(
    () => `${path} answers as expected; it says ${JSON.stringify(last)}`,
    async () => {
      const answer = await get<T>(ports, path).catch((failure: unknown) => {
        last = failure;
        return undefined;
      });
      if (answer === undefined) return undefined;
      last = answer;
      return isThere(answer) ? answer : undefined;
    },
  ) as Promise<T & ReadAnswer>;
}
