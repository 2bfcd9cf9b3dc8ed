/** Given a finding, when it is published, then it is taken as it is, or refused as a whole and told why. */
import { DistributionClient } from "@distribution/proto-types/distribution/v1/distribution";
import type { IntelligenceEvent } from "@distribution/proto-types/intelligence/v1/intelligence";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES } from "../../src/domain/examples.ts";
import { EVENT_TYPES, TOPICS } from "../../src/domain/topics.ts";
import { eventOf, finding, NOON, synthesisOf } from "../support/findings.ts";
import {
  type FindingAnswer,
  get,
  getAfter,
  logOf,
  publish,
  publishEvents,
  publishJson,
  refusal,
} from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";
import { connect } from "../support/stream.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

const read = (id: string) => get<FindingAnswer>(service.ports, `/intelligence/${id}`);
/** Code and path of the refusal of an event that is alone in its batch. */
const refused = async (data: IntelligenceEvent, change: Parameters<typeof eventOf>[1] = {}, topic?: string) => {
  const call = publishEvents(service.ports, topic ?? TOPICS[data.payload!.$case], [eventOf(data, change)]);
  const { status, code, errors } = await refusal(call);
  return [status, code, errors?.[0]?.path];
};

describe("a finding", () => {
  it("is taken in protobuf and in JSON alike", async () => {
    const { ports } = service;
    await publish(ports, finding("signal", "as-proto"));
    const cloudEvent = {
      ...{ specversion: "1.0", id: "json-1", source: "/test/models", type: EVENT_TYPES.signal },
      ...{ partitionkey: "BTC-USD", datacontenttype: "application/json" },
      data: { ...EXAMPLES.signal, intelligenceId: "as-json" },
    };
    const published = await publishJson(ports, TOPICS.signal, cloudEvent);
    const answer = await getAfter<FindingAnswer>(ports, published, "/intelligence/as-json");
    expect(answer.finding).toEqual({
      ...{ intelligenceId: "as-json", symbol: "BTC-USD", type: "signal", qualityTier: "silver", confidence: "0.72" },
      ...{ targetWorkflows: ["research", "risk-desk"], urgency: 4 },
      ...{ producedAt: "1767623400000000000", validUntil: "1767627000000000000" },
      signal: { model: "trend-7", direction: "up", strength: "0.4", horizon: "600000000000" },
    });
    const proto = (await read("as-proto")).finding;
    expect(proto.signal).toEqual(answer.finding.signal);
    expect(proto).not.toHaveProperty("validUntil");
  });

  it("is refused at the field that does not hold, with the limit", async () => {
    const bad = finding("signal", "bad");
    expect(await refused({ ...bad, confidence: "1.01" })).toEqual([400, "invalid_event", "events[0].data.confidence"]);
    expect(await refused({ ...bad, urgency: 10 })).toEqual([400, "invalid_event", "events[0].data.urgency"]);
    expect(await refused({ ...bad, validUntil: NOON })).toEqual([400, "invalid_event", "events[0].data.valid_until"]);
    expect(await refused(synthesisOf("bad", ["bad"]))).toEqual([
      400,
      "invalid_event",
      "events[0].data.synthesis.intelligence_ids[0]",
    ]);
    expect(await refused(bad, { key: "ETH-USD" })).toEqual([400, "invalid_event", "events[0].key"]);
    const problem = await refusal(publish(service.ports, { ...bad, confidence: "1.01" }));
    expect(problem.detail).toBe(
      'data.confidence: must be a decimal from 0 to 1 in at most 64 characters; it is "1.01".',
    );
    expect((await refusal(read("bad"))).code).toBe("not_found");
  });

  it("is refused where its type says another kind than its payload, and on the topic of another kind", async () => {
    const bad = finding("signal", "bad");
    const [status, code, path] = await refused(bad, { type: EVENT_TYPES.news }, TOPICS.news);
    expect([status, code, path]).toEqual([400, "invalid_event", "events[0].data.news"]);
    expect(await refused(bad, {}, TOPICS.news)).toEqual([400, "invalid_event", "events[0].type"]);
    expect(await refused(bad, { type: "intelligence.rumour.v1" })).toEqual([400, "invalid_event", "events[0].type"]);
  });

  it("that is wrong refuses its whole batch", async () => {
    const { ports } = service;
    const before = (await logOf(ports, TOPICS.news)).length;
    const batch = [finding("news", "good-1"), finding("news", "wrong", { symbol: "" }), finding("news", "good-2")];
    const { errors } = await refusal(publish(ports, ...batch));
    expect(errors?.[0]?.path).toBe("events[1].data.symbol");
    expect(await logOf(ports, TOPICS.news)).toHaveLength(before);
  });
});

describe("an intelligence id", () => {
  const CONFLICT = [409, "event_conflict", "events[0].data.intelligence_id"];

  it("that was used before is refused, on the same topic, on another one, and within a batch", async () => {
    const { ports } = service;
    await publish(ports, finding("signal", "once"));
    expect(await refused(finding("signal", "once", { confidence: "0.9" }), { id: "other" })).toEqual(CONFLICT);
    expect(await refused(finding("news", "once"), { id: "other" })).toEqual(CONFLICT);
    expect(await refused(finding("news", "once", { symbol: "ETH-USD" }), { id: "other" })).toEqual(CONFLICT);
    const twice = [finding("signal", "twice"), finding("signal", "twice", { symbol: "ETH-USD" })];
    const call = publishEvents(
      ports,
      TOPICS.signal,
      twice.map((each, index) => eventOf(each, { id: `twice-${index}` })),
    );
    expect((await refusal(call)).errors?.[0]?.path).toBe("events[1].data.intelligence_id");
  });

  it("of the very same event again is no conflict: it is the event that is known", async () => {
    const { ports } = service;
    const first = await publish(ports, finding("signal", "repeated"));
    const again = await publish(ports, finding("signal", "repeated"));
    expect(again).toEqual({ positions: first.positions, duplicates: 1 });
  });

  it("is one finding's when many publish it at the same time", async () => {
    const { ports } = service;
    const calls = Array.from({ length: 8 }, (_, at) =>
      publishEvents(ports, at % 2 ? TOPICS.signal : TOPICS.news, [
        eventOf(finding(at % 2 ? "signal" : "news", "raced", { symbol: `C${at}-USD` }), {
          ...{ id: `race-${at}`, source: `/racer/${at}` },
        }),
      ]),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("over the other wires", () => {
  const bad = () => finding("signal", "bad", { confidence: "2" });

  it("a WebSocket is told the same", async () => {
    using client = await connect(service.ports);
    const frame = (confidence: string) => ({
      publish: {
        topic: TOPICS.signal,
        events: [
          {
            ...{ specversion: "1.0", id: `ws-${confidence}`, source: "/ws", type: EVENT_TYPES.signal },
            ...{ partitionkey: "BTC-USD", data: { ...EXAMPLES.signal, intelligenceId: "by-socket", confidence } },
          },
        ],
      },
    });
    const { error } = await client.request(frame("2"));
    expect(error).toMatchObject({ code: "invalid_event", errors: [{ path: "events[0].data.confidence" }] });
    expect(await client.request(frame("0.2"))).toHaveProperty("published");
  });

  it("gRPC is told the same", async () => {
    const client = new DistributionClient(`127.0.0.1:${service.ports.grpc}`, credentials.createInsecure());
    const send = (data: IntelligenceEvent) =>
      new Promise<ServiceError | null>((resolve) => {
        const request = { topic: TOPICS.signal, batch: { events: [eventOf(data)] } };
        client.publish(request, new Metadata(), (failure) => resolve(failure));
      });
    const failure = await send(bad());
    expect(failure?.details).toContain("must be a decimal from 0 to 1");
    expect(await send(finding("signal", "by-grpc"))).toBeNull();
    client.close();
  });
});
