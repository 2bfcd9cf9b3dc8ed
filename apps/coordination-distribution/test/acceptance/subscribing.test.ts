/** Given what was read, when a client subscribes after its positions, then it misses nothing and has nothing twice; and what is urgent is on a topic of its own. */
import { connect, type ReceivedEvent } from "@distribution/client";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { until } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DecisionAnswer } from "../../src/domain/answers.ts";
import { TOPICS } from "../../src/domain/topics.ts";
import type { DecisionView } from "../../src/domain/views.ts";
import { approved, coordinated, executed, type TestEvent, violated } from "../support/events.ts";
import { get, publish, publishEach, request } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";
import { urlOf } from "../support/ways-in.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.[Symbol.asyncDispose]());

/** Collects what a subscription is given. */
async function collect(options: Parameters<ReturnType<typeof connect>["subscribe"]>[0]) {
  const client = connect({ url: urlOf(service.ports) });
  const events: ReceivedEvent<CoordinationEvent>[] = [];
  const gaps: unknown[] = [];
  const subscription = client.subscribe({ ...options, decode: CoordinationEvent.decode });
  subscription.on("gap", (gap) => gaps.push(gap));
  subscription.onEvents((batch) => void events.push(...batch));
  await subscription.ready;
  return { events, gaps, [Symbol.asyncDispose]: () => client.close() };
}

describe("who reads and then subscribes after the positions of the answer", () => {
  it("has each decision's life whole, whatever is published meanwhile", async () => {
    const { ports } = service;
    let stop = false;
    const published: string[] = [];
    const publishing = (async () => {
      for (let at = 0; !stop; at += 1) {
        const id = `flow-${at}`;
        await publish(ports, coordinated(id), approved(id));
        await publish(ports, executed(id));
        published.push(id);
      }
    })();
    for (const round of [1, 2, 3]) {
      await until("some more were published", () => published.length >= 10 * round);
      const answer = await get<{ decisions: readonly DecisionView[] }>(
        ports,
        "/decisions?strategy=momentum&limit=1000",
      );
      await using subscriber = await collect({
        ...{ topics: TOPICS.decisions, from: { after: answer.positions } },
        filter: 'data.strategy == "momentum"',
      });
      const goal = published.length + 5;
      await until(
        "more were published and delivered",
        () => published.length >= goal && subscriber.events.length >= 15,
      );
      const steps = new Map<string, string[]>();
      const known = { coordinated: ["coordinated"], approved: ["coordinated", "approved"] };
      for (const { decisionId, state } of answer.decisions) {
        steps.set(decisionId, [...(known[state as "approved"] ?? ["coordinated", "approved", "executed"])]);
      }
      for (const { key = "", type } of [...subscriber.events]) {
        const state = /decision-(\w+)\.v1$/.exec(type)?.[1] ?? "";
        steps.set(key, [...(steps.get(key) ?? []), state]);
      }
      for (const [id, life] of steps) {
        expect(["coordinated", "approved", "executed"].slice(0, life.length), id).toEqual(life);
      }
      expect(subscriber.gaps).toEqual([]);
    }
    stop = true;
    await publishing;
  });

  it("has the violation that the decision's answer did not have yet", async () => {
    await publish(service.ports, coordinated("then"));
    const answer = await until("it is known", () =>
      get<DecisionAnswer>(service.ports, "/decisions/then").catch(() => undefined),
    );
    await publish(service.ports, violated("then", "largest", "WARNING"));
    const after = answer.positions.filter(({ topic }) => topic === TOPICS.policies);
    await using subscriber = await collect({ topics: TOPICS.policies, from: { after } });
    await until("it is delivered", () => subscriber.events.length > 0);
    expect(subscriber.events.map(({ key }) => key)).toEqual(["then"]);
  });
});

describe("what is urgent", () => {
  const urgency = (id: string, value: number): TestEvent => coordinated(id, { with: { urgency: value } });

  it("has a high priority, and is on coordination.urgent too; all else is not", async () => {
    const { ports } = service;
    await using urgent = await collect({ topics: TOPICS.urgent });
    const first = await publish(ports, urgency("u-7", 7), urgency("u-8", 8), urgency("u-9", 9));
    expect(new Set(first.positions.map(({ topic }) => topic))).toEqual(new Set([TOPICS.decisions]));
    await publishEach(ports, [
      approved("u-9"),
      violated("u-7", "largest", "WARNING"),
      violated("u-8", "largest", "BLOCKING"),
      urgency("u-last", 8),
    ]);
    await until("the last is delivered", () => urgent.events.some(({ key }) => key === "u-last"));
    expect(urgent.events.map(({ key, type, priority }) => [key, type.split(".")[1], priority])).toEqual([
      ["u-8", "decision-coordinated", 8],
      ["u-9", "decision-coordinated", 8],
      ["u-8", "policy-violated", 9],
      ["u-last", "decision-coordinated", 8],
    ]);
    const { events } = await request<{ events: { event: { partitionkey: string; priority?: number } }[] }>(
      ports,
      `/topics/${TOPICS.decisions}/events?keys=u-7,u-8`,
    );
    expect(events.map(({ event }) => [event.partitionkey, event.priority ?? 0]).sort()).toEqual([
      ["u-7", 0],
      ["u-8", 8],
    ]);
  });

  it("is told of by any wire: here as server-sent events, filtered by what it is about", async () => {
    const { ports } = service;
    const filter = encodeURIComponent('data.instrument == "cme:6E/Z5" && data.decision_coordinated.quantity > 1');
    const abort = new AbortController();
    const response = await fetch(`${urlOf(ports)}/api/v1/topics/${TOPICS.urgent}/events?filter=${filter}`, {
      headers: { accept: "text/event-stream" },
      signal: abort.signal,
    });
    const at = { instrument: "cme:6E/Z5" };
    await publish(ports, coordinated("s-1", { ...at, with: { urgency: 9, quantity: "1" } }));
    await publish(
      ports,
      coordinated("s-2", { with: { urgency: 9 } }),
      coordinated("s-3", { ...at, with: { urgency: 9 } }),
    );
    let text = "";
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes('"s-3"')) break;
    }
    abort.abort();
    expect(text).not.toContain('"s-1"');
    expect(text).not.toContain('"s-2"');
  });
});
