/** The REST face as a client uses it: what is this domain's of it. */
import type { Position } from "@distribution/core/brokers";
import { type Published, publishEvents, publishJsonBatch } from "@distribution/testkit/service";
import { type Told, toCloudEvent, toEvent } from "./events.ts";
import type { Ports } from "./service.ts";

export {
  ask,
  askUntil,
  logOf,
  type PlacedCloudEvent,
  type Problem,
  type ReadAnswer,
  type Refused,
  refusal,
  request,
} from "@distribution/testkit/service";

/** As a batch of CloudEvents in JSON. All have the topic of the first. Throws Refused. */
export const publish = (ports: Ports, ...told: readonly Told[]): Promise<Published> =>
  publishJsonBatch(ports, told[0]!.topic, told.map(toCloudEvent));

/** As a protobuf EventBatch. Throws Refused. */
export const publishProtobuf = (ports: Ports, ...told: readonly Told[]): Promise<Published> =>
  publishEvents(ports, told[0]!.topic, told.map(toEvent));

/** By topic, in their order. Throws Refused. */
export async function tell(ports: Ports, ...told: readonly Told[]): Promise<readonly Position[]> {
  const positions: Position[] = [];
  for (const run of runsOf(told)) positions.push(...(await publish(ports, ...run)).positions);
  return positions;
}

/** Neighbours of one topic together. */
function runsOf(told: readonly Told[]): readonly (readonly Told[])[] {
  const runs: Told[][] = [];
  for (const each of told) {
    const last = runs.at(-1);
    if (last?.[0]?.topic === each.topic) last.push(each);
    else runs.push([each]);
  }
  return runs;
}
