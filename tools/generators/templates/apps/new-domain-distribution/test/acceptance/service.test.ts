/** Given events published to the service, when a workflow subscribes or asks, then it has them: all, once, in order, and exactly. */
import { connect } from "@distribution/client";
import { emptyFolder, type RunningService, removeFolder } from "@distribution/testkit/service";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { INSTRUMENTS } from "../../src/simulator.ts";
import {
  eventOf,
  get,
  type InstrumentAnswer,
  type InstrumentsAnswer,
  publish,
  startService,
  urlOf,
} from "../support/service.ts";

interface Payload {
  readonly someEvent: { readonly amount: string };
}

/** Conditions are waited for; a read model has an event milliseconds after its acknowledgement. */
const WAIT = { timeout: 30_000, interval: 5 };

let folder: string;
let service: RunningService;
beforeAll(async () => {
  folder = emptyFolder();
  service = await startService({ DATA_DIR: folder });
});
afterAll(async () => {
  await service?.stop();
  removeFolder(folder);
});

const read = async (instrument: string) =>
  (await get<InstrumentAnswer>(service, `/instruments/${encodeURIComponent(instrument)}`)).instrument;

describe("an event", () => {
  it("reaches who subscribed over WebSocket before, and the read model", async () => {
    await using client = connect({ url: urlOf(service) });
    await using events = client.subscribe<Payload>({
      topics: TOPICS.events,
      filter: 'data.instrument == "a:FIRST"',
      payload: "json",
    });
    await events.ready;
    const { positions } = await publish(service, [eventOf("a:OTHER", "1", "1"), eventOf("a:FIRST", "0.10", "1")]);

    const { value: event } = await events[Symbol.asyncIterator]().next();
    expect([event.key, event.data.someEvent, event.position]).toEqual(["a:FIRST", { amount: "0.10" }, positions[1]]);
    await expect
      .poll(() => read("a:FIRST"), WAIT)
      .toEqual({
        ...{ instrument: "a:FIRST", amount: "0.1", total: "0.1", events: 1, eventTime: "1" },
      });
  });

  it("is added up exactly, once, whatever is sent again", async () => {
    const events = [eventOf("a:SUM", "0.1", "1"), eventOf("a:SUM", "0.2", "2")];
    await publish(service, events);
    expect(await publish(service, events)).toMatchObject({ duplicates: 2 });
    await publish(service, [eventOf("a:SUM", "-12345678901234567890.3", "2")]);
    await expect.poll(() => read("a:SUM"), WAIT).toMatchObject({ total: "-12345678901234567890", events: 3 });
  });

  it("that is large is on the topic of large ones, too", async () => {
    await using client = connect({ url: urlOf(service) });
    await using large = client.subscribe<Payload>({ topics: TOPICS.large, payload: "json" });
    await large.ready;
    await publish(service, [eventOf("a:LARGE", "999999.99", "1"), eventOf("a:LARGE", "1000000", "2")]);

    const { value: event } = await large[Symbol.asyncIterator]().next();
    expect([event.data.someEvent.amount, event.priority]).toEqual(["1000000", 9]);
    await expect.poll(() => read("a:LARGE"), WAIT).toMatchObject({ events: 2 });
  });

  it("that is published among the large ones is among the others of its instrument, and judged there", async () => {
    await publish(service, [eventOf("a:DIRECT", "1", "2")], TOPICS.large);
    await expect.poll(() => read("a:DIRECT"), WAIT).toMatchObject({ events: 1 });
    expect(await publish(service, [eventOf("a:DIRECT", "1", "1")], TOPICS.large)).toMatchObject({
      code: "illegal_transition",
    });
  });

  it("that comes after an answer comes to who subscribes from there: nothing is missing or twice", async () => {
    await publish(service, [eventOf("a:GAP", "1", "1")]);
    await expect.poll(() => read("a:GAP"), WAIT).toMatchObject({ events: 1 });
    const { positions } = await get<InstrumentAnswer>(service, "/instruments/a:GAP");
    await publish(service, [eventOf("a:GAP", "2", "2")]);

    await using client = connect({ url: urlOf(service) });
    await using events = client.subscribe<Payload>({
      topics: TOPICS.events,
      keys: ["a:GAP"],
      from: { after: positions },
      payload: "json",
    });
    const { value: event } = await events[Symbol.asyncIterator]().next();
    expect(event.data.someEvent.amount).toBe("2");
  });
});

describe("the list of instruments", () => {
  it("comes in pages, the one that changed last first", async () => {
    const names = ["a:PAGE-3", "a:PAGE-2", "a:PAGE-1"];
    for (const name of names.toReversed()) await publish(service, [eventOf(name, "1", "1")]);
    const list = async (query: string) => {
      const { instruments, next } = await get<InstrumentsAnswer>(service, `/instruments?${query}`);
      return { names: instruments.map(({ instrument }) => instrument), next };
    };
    await expect.poll(async () => (await list("limit=3")).names, WAIT).toEqual(names);
    const first = await list("limit=2");
    const second = await list(`limit=1&cursor=${first.next}`);
    expect([...first.names, ...second.names]).toEqual(names);
  });
});

describe("what cannot be", () => {
  it.each([
    ["an instrument that nobody knows", "/instruments/a:NOBODY", { status: 404, code: "not_found" }],
    ["a page of none", "/instruments?limit=0", { code: "invalid_request", errors: [{ path: "query.limit" }] }],
    ["a cursor of something else", "/instruments?cursor=x", { errors: [{ path: "query.cursor" }] }],
    ["a parameter that there is not", "/instruments?venue=a", { errors: [{ path: "query.venue" }] }],
  ])("is not told: %s", async (_, path, problem) => {
    expect(await get(service, path)).toMatchObject(problem);
  });

  it.each([
    ["an amount that is no number", eventOf("a:BAD", "1e3", "1"), "invalid_event", "data.someEvent.amount"],
    ["no amount", eventOf("a:BAD", "", "1"), "invalid_event", "data.some_event.amount"],
    ["no payload", eventOf("a:BAD", "1", "1", { data: { instrument: "a:BAD" } }), "invalid_event", "data.some_event"],
    ["the key of another instrument", eventOf("a:BAD", "1", "1", { partitionkey: "a:X" }), "invalid_event", "key"],
    ["an unknown type", eventOf("a:BAD", "1", "1", { type: "new-domain.unknown.v1" }), "invalid_event", "type"],
    ["a time before the last one", eventOf("a:LATE", "1", "4"), "illegal_transition", "data.event_time"],
  ])("is not taken: %s", async (_, event, code, path) => {
    await publish(service, [eventOf("a:LATE", "1", "5")]);
    expect(await publish(service, [event])).toMatchObject({ code, errors: [{ path: `events[0].${path}` }] });
  });
});

it("answers the same after a restart, and takes each event once then, too", async () => {
  const event = eventOf("a:AGAIN", "0.3", "1");
  await publish(service, [event]);
  await expect.poll(() => read("a:AGAIN"), WAIT).toMatchObject({ total: "0.3" });
  const before = await get(service, "/instruments");

  await service.stop();
  service = await startService({ DATA_DIR: folder });
  expect(await get(service, "/instruments")).toEqual(before);
  expect(await publish(service, [event])).toMatchObject({ duplicates: 1 });
  await publish(service, [eventOf("a:AGAIN", "0.4", "2")]);
  await expect.poll(() => read("a:AGAIN"), WAIT).toMatchObject({ total: "0.7", events: 2 });
});

it("makes events up when it is told to", async () => {
  await using simulated = await startService({ FEED: "simulated", FEED_INTERVAL_MS: "1" });
  const known = async () => {
    const { instruments } = await get<InstrumentsAnswer>(simulated, "/instruments");
    return instruments.map(({ instrument }) => instrument).sort();
  };
  await expect.poll(known, WAIT).toEqual([...INSTRUMENTS].sort());
});
