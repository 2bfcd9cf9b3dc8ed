/**
 * This platform, whole: every event is validated, deduplicated, appended and flushed to disk by the embedded broker, read
 * back by the tail, matched and encoded before its subscribers get it. The others only send.
 */
import { packEvents } from "@distribution/core/events";
import { ANONYMOUS } from "@distribution/core/security";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { benchTopic, startBenchService } from "../../service/bench-service.ts";
import { type Protocol, TOPIC } from "../protocols.ts";
import type { RivalDefinition } from "./rival.ts";

/** The frames are the subscribers' choice, not the service's: only how they join differs. */
const withFrames = (subject: string, protocol: Protocol): RivalDefinition => ({
  subject,
  protocol,
  start: async () => {
    const bench = await startBenchService({ topics: [benchTopic(TOPIC)] });
    let id = 0;
    return {
      port: bench.port,
      publish: (events) => {
        const batch = packEvents(events.map((event) => eventOf(String(id++), event)));
        void bench.service.ingest.publish(TOPIC, batch, ANONYMOUS);
      },
      close: async () => bench[Symbol.asyncDispose](),
    };
  },
});

export const ours = withFrames("ours, durable, JSON frames", "distribution");
export const oursProto = withFrames("ours, durable, protobuf frames", "distribution-proto");

const eventOf = (id: string, json: string): Event =>
  Event.create({
    id,
    source: "/bench",
    type: "bench.event.v1",
    subject: "all",
    time: BigInt(Date.now()) * 1_000_000n,
    key: "all",
    class: EventClass.STATE,
    contentType: "application/json",
    data: Buffer.from(json),
  });
