import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import type { Guard } from "../../../src/security/index.ts";
import { type Client, type Frame, OTHER, openBench, TRADES } from "./support.ts";

/** A token is who shows it, and after a colon the topics they may have: `anna:other.events,test.trades`. Without: none, not even a connection. */
const guard: Guard = {
  identify({ token = `nobody:${OTHER.name},${TRADES.name}` }) {
    const [subject, topics = ""] = token.split(":");
    if (subject === "") throw new DistributionError("unauthenticated", "Who are you?");
    return { subject: subject!, attributes: { topics } };
  },
  authorize({ subject, attributes: { topics = "" } }, action) {
    const refused =
      (action.kind === "connect" && topics === "") ||
      (action.kind === "subscribe" && !topics.split(",").includes(action.topic));
    if (refused) throw new DistributionError("forbidden", `${subject} may not ${action.kind}.`);
  },
};

const BOTH = `${OTHER.name},${TRADES.name}`;

async function open(token?: string) {
  const bench = await openBench({ guard });
  const client = bench.connect();
  if (token !== undefined) await authenticate(client, token);
  return { bench, client };
}

const authenticate = async (client: Client, token: string): Promise<Frame> =>
  client.request({ authenticate: { token } });

/** The subscription, as the error and the answer that nobody asked for say. */
function expectEnded(client: Client, subscription: number, because: RegExp): void {
  const errors = client.frames.filter(({ ref = "", error }) => ref === "" && error).map(({ error }) => error);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ code: "forbidden", errors: [{ path: `subscriptions[${subscription}]` }] });
  expect(errors[0].message).toMatch(because);
  expect(client.all("unsubscribed")).toEqual([{ subscription }]);
}

describe("a client that becomes somebody else", () => {
  it("goes on with what it may have still, and is told what has ended", async () => {
    const { bench, client } = await open(`anna:${BOTH}`);
    const kept = await client.subscribe({ topics: [OTHER.name] });
    const lost = await client.subscribe({ topics: [TRADES.name] });
    expect((await authenticate(client, `bob:${OTHER.name}`)).welcome.identity).toBe("bob");
    expectEnded(client, lost.subscription, /bob may not subscribe/);
    await bench.publish(TRADES.name, "1");
    await bench.publish(OTHER.name, "2:a");
    expect(await client.received(1)).toEqual(["2"]);
    await bench.pass(1_000);
    expect([client.ids(kept.channel), client.ids(lost.channel)]).toEqual([["2"], []]);
    expect((await client.refusal({ requestLedger: { subscription: lost.subscription } }))[0]).toBe(
      "unknown_subscription",
    );
    expect([client.closes, bench.engine.registry.classes]).toEqual([[], 1]);
  });

  it("ends a subscription of several topics when one of them is refused", async () => {
    const { client } = await open(`anna:${BOTH}`);
    const { subscription } = await client.subscribe({ topics: [OTHER.name, TRADES.name] });
    await authenticate(client, `anna:${TRADES.name}`);
    expectEnded(client, subscription, /anna may not subscribe/);
  });

  it("does not go on with durable names of the one before, whose places they keep", async () => {
    const { bench, client } = await open(`anna:${BOTH}`);
    const { subscription } = await client.subscribe({ topics: [OTHER.name], name: "desk" });
    await bench.publish(OTHER.name, "1:a");
    await client.received(1);
    await authenticate(client, `bob:${BOTH}`);
    expectEnded(client, subscription, /durable name belongs to whom the client was before/);
    await bench.publish(OTHER.name, "2:a");
    const bobs = await client.subscribe({ topics: [OTHER.name], name: "desk" });
    const anna = bench.connect();
    await authenticate(anna, `anna:${BOTH}`);
    await anna.subscribe({ topics: [OTHER.name], name: "desk" });
    expect(await anna.received(1)).toEqual(["2"]);
    expect(client.ids(bobs.channel)).toEqual([]);
  });

  it("does not get what it asked for as the one before and was not answered yet", async () => {
    const { bench, client } = await open(`anna:${BOTH}`);
    client.send({ ref: "topic", subscribe: { topics: [TRADES.name], from: { earliest: true } } });
    client.send({ ref: "name", subscribe: { topics: [OTHER.name], from: { earliest: true }, name: "desk" } });
    await authenticate(client, `bob:${OTHER.name}`);
    await bench.until(() => client.all("error").length === 2);
    const refs = client.frames.filter(({ error }) => error?.code === "forbidden").map(({ ref }) => ref);
    expect(refs.sort()).toEqual(["name", "topic"]);
    expect(bench.engine.registry.classes).toBe(0);
    // Both are free for the one before.
    const anna = bench.connect();
    await authenticate(anna, `anna:${BOTH}`);
    await anna.subscribe({ topics: [OTHER.name], name: "desk" });
  });
});

describe("a client that shows a new token of its own", () => {
  it("goes on with everything, durable names included", async () => {
    const { bench, client } = await open(`anna:${BOTH}`);
    await client.subscribe({ topics: [OTHER.name], name: "desk" });
    await authenticate(client, `anna:${OTHER.name}`);
    await bench.publish(OTHER.name, "1:a");
    expect(await client.received(1)).toEqual(["1"]);
    expect([client.all("error"), client.all("unsubscribed")]).toEqual([[], []]);
  });
});

describe("an authentication that fails", () => {
  it.each([
    ["is nobody's", ":", "unauthenticated"],
    ["is of somebody who may not connect", "mallory:", "forbidden"],
  ])("as its token %s changes nothing", async (_, token, code) => {
    const { bench, client } = await open(`anna:${BOTH}`);
    await client.subscribe({ topics: [OTHER.name], name: "desk" });
    expect((await authenticate(client, token)).error.code).toBe(code);
    await bench.publish(OTHER.name, "1:a");
    expect(await client.received(1)).toEqual(["1"]);
    expect(client.all("unsubscribed")).toEqual([]);
  });
});
