/** Given subscribers, when findings are published, then each has what it wants: nothing lost, nothing twice, the urgent first. */
import { metric, until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { INTELLIGENCE_TOPICS, TOPICS, URGENT_TOPIC } from "../../src/domain/topics.ts";
import { finding, NOON } from "../support/findings.ts";
import { type FindingsAnswer, get, idsOf, publish } from "../support/rest.ts";
import { startService } from "../support/service.ts";
import { connect } from "../support/stream.ts";

describe("a client that reads a list and then subscribes after the positions of the answer", () => {
  it("has each finding once, whatever is published meanwhile", async () => {
    await using service = await startService();
    const { ports } = service;
    let published = 0;
    let enough = false;
    const publishing = (async () => {
      for (; !enough; published += 1) {
        await publish(ports, finding("signal", `w-${published}`, { producedAt: NOON + BigInt(published) }));
        await publish(ports, finding("news", `n-${published}`, { symbol: `S-${published % 5}` }));
      }
    })();
    for (const goal of [10, 25, 40]) {
      await until("some more were published", () => published >= goal);
      const answer = await get<FindingsAnswer>(ports, "/intelligence?type=signal&limit=1000");
      using client = await connect(ports);
      const positions = answer.positions.filter(({ topic }) => topic === TOPICS.signal);
      await client.request({ subscribe: { topics: [TOPICS.signal], from: { after: { positions } } } });
      await until("live ones came", () => client.events.length >= 5);
      const all = [...idsOf(answer).reverse(), ...client.events.map(({ id }) => id.slice("e-".length))];
      expect(all).toEqual(all.map((_, index) => `w-${index}`));
      expect(client.breaks).toEqual([]);
    }
    enough = true;
    await publishing;
  });
});

describe("a subscriber", () => {
  it("has what its filter names, confidence compared as a number", async () => {
    await using service = await startService();
    using client = await connect(service.ports);
    const filter = 'data.symbol == "BTC-USD" && data.confidence >= 0.8 && data.quality_tier == "QUALITY_TIER_SILVER"';
    await client.request({ subscribe: { topics: Object.values(TOPICS), filter } });
    const cases = { a: "0.8", b: "0.79", c: "0.800", d: "1", e: "0.0800" };
    for (const [id, confidence] of Object.entries(cases)) {
      await publish(service.ports, finding("sentiment", id, { confidence }));
      await publish(service.ports, finding("news", `${id}-eth`, { confidence, symbol: "ETH-USD" }));
    }
    await publish(service.ports, finding("sentiment", "last", { confidence: "0.99" }));
    await until("the last one came", () => client.events.at(-1)?.id === "e-last");
    expect(client.events.map(({ id }) => id)).toEqual(["e-a", "e-c", "e-d", "e-last"]);
  });
});

describe("a client of everything that reads too slowly", () => {
  it("gets what is urgent before the routine that waits for it, and all of it in the end", async () => {
    await using service = await startService();
    const { ports } = service;
    using client = await connect(ports);
    const topics = INTELLIGENCE_TOPICS.map(({ name }) => name);
    await client.request({ subscribe: { topics } });
    client.pause();
    const handedOver = () => metric(ports, 'distribution_delivered_events_total{wire="websocket"}');
    const urgentKnown = () => metric(ports, `distribution_tail_events_total{topic="${URGENT_TOPIC}"}`);
    let told = 0;
    /** A frame each, by what they hold; on every partition. */
    const tell = async (count: number, urgency: number): Promise<void> => {
      const batch = Array.from({ length: count }, (_, at) => {
        const model = "x".repeat(70_000);
        const value = { model, direction: "DIRECTION_UP" as const, strength: "1", horizon: 1n };
        const change = { symbol: `S-${at}`, urgency, payload: { $case: "signal" as const, value } };
        return finding("signal", `${urgency >= 7 ? "urgent" : "routine"}-${told + at}`, change);
      });
      await publish(ports, ...batch);
      told += count;
    };
    // Until sockets and system take nothing more: what is written falls behind by more than a turn's share.
    while (told - ((await handedOver()) || 0) < 100) await tell(10, 1);
    await tell(10, 1);
    await tell(10, 9);
    await until("all wait for the client", async () => (await urgentKnown()) === 10);
    client.resume();
    // What is urgent comes on its own topic and on the topic of its kind.
    await until("all of it came", () => client.events.length >= told + 10);
    expect(client.events).toHaveLength(told + 10);
    expect(client.breaks).toEqual([]);

    const lastUrgent = client.events.findLastIndex(({ topic }) => topic === URGENT_TOPIC);
    const waiting = client.events.slice(lastUrgent).filter(({ topic }) => topic === TOPICS.signal);
    expect(waiting.length).toBeGreaterThan(80);
    const firstUrgent = client.events.findIndex(({ topic }) => topic === URGENT_TOPIC);
    expect(lastUrgent - firstUrgent).toBeLessThanOrEqual(9 + 2);
  });
});
