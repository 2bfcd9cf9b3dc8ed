import { messageOf } from "@distribution/proto-types/descriptors";
import { Position } from "@distribution/proto-types/distribution/v1/frames";
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import { FIRST_APPEND } from "./memory-log.ts";
import { type PlacedJson, problemIn, type RestServer, startRest, TOPICS } from "./rest-server.ts";

const PATH = "/api/v1/topics/test.trades/events";

interface Page {
  readonly events: readonly PlacedJson[];
  readonly cursor?: string;
  readonly complete: boolean;
}

const page = async (server: RestServer, query: string): Promise<Page> => {
  const response = await server.get(`${PATH}?${query}`);
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as Page;
};

const ids = ({ events }: Page): string[] => events.map(({ event }) => event.id);

const lines = async (server: RestServer, query = ""): Promise<Record<string, unknown>[]> => {
  const response = await server.get(`${PATH}?${query}`, { accept: "application/x-ndjson" });
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  return (await response.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

async function withEvents(count: number, keys = ["A", "B", "C", "D"]): Promise<RestServer> {
  const server = await startRest();
  for (let index = 0; index < count; index += 1) {
    await server.publish("test.trades", { id: String(index), key: keys[index % keys.length]! });
  }
  return server;
}

describe("history as pages", () => {
  it("gives events with their position and append time", async () => {
    await using server = await withEvents(1);
    const { events, complete } = await page(server, "");
    expect(events).toEqual([
      {
        position: { topic: "test.trades", partition: expect.any(Number), epoch: "e1", offset: "1" },
        appendedAt: "2026-01-05T14:30:00Z",
        event: expect.objectContaining({ specversion: "1.0", id: "0", partitionkey: "A", data: { price: "1.25" } }),
      },
    ]);
    expect(complete).toBe(true);
  });

  it.each([1, 2, 3, 7, 10])("gives each event once, whatever the page: %d at a time", async (limit) => {
    await using server = await withEvents(10);
    const seen: string[] = [];
    let cursor = "";
    for (let complete = false; !complete; ) {
      const next = await page(server, `limit=${limit}${cursor && `&cursor=${cursor}`}`);
      expect(next.events.length).toBeLessThanOrEqual(limit);
      seen.push(...ids(next));
      ({ complete } = next);
      cursor = next.cursor ?? "";
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, index) => String(index)));
  });

  it("gives each event once when many have the same append time", async () => {
    await using server = await startRest();
    server.log.tick = 0n;
    const events = Array.from({ length: 9 }, (_, index) => ({ id: String(index), key: "ABCDEFG".charAt(index % 7) }));
    await server.publish("test.trades", ...events);
    const first = await page(server, "limit=4");
    const second = await page(server, `limit=4&cursor=${first.cursor}`);
    const third = await page(server, `cursor=${second.cursor}`);
    expect([...ids(first), ...ids(second), ...ids(third)]).toEqual(events.map(({ id }) => id));
  });

  it("goes on from its last cursor with what was published since", async () => {
    await using server = await withEvents(3);
    const first = await page(server, "");
    const empty = await page(server, `cursor=${first.cursor}`);
    expect(empty).toEqual({ events: [], cursor: first.cursor, complete: true });
    await server.publish("test.trades", { id: "new", key: "A" });
    expect(ids(await page(server, `cursor=${empty.cursor}`))).toEqual(["new"]);
  });

  it("has no cursor while there was nothing", async () => {
    await using server = await startRest();
    expect(await page(server, "")).toEqual({ events: [], complete: true });
  });

  it("chooses by time, given as RFC 3339 or nanoseconds: from is within, to is not", async () => {
    await using server = await withEvents(4);
    const at = (index: number): bigint => FIRST_APPEND + BigInt(index) * 1_000_000_000n;
    expect(ids(await page(server, `from=${at(1)}&to=${at(3)}`))).toEqual(["1", "2"]);
    expect(ids(await page(server, "from=2026-01-05T15:30:01%2B01:00&to=2026-01-05T14:30:03Z"))).toEqual(["1", "2"]);
    expect(ids(await page(server, `from=${at(1)}&to=${at(1)}`))).toEqual([]);
    expect(ids(await page(server, "from=0"))).toHaveLength(4);
  });

  it("chooses by keys and filter", async () => {
    await using server = await withEvents(4);
    await server.publish("test.trades", { id: "b", key: "A", type: "bust.v1" });
    expect(ids(await page(server, "keys=B,A"))).toEqual(["0", "1", "b"]);
    expect(ids(await page(server, `keys=A&filter=${encodeURIComponent('type == "bust.v1"')}`))).toEqual(["b"]);
  });

  it("gives protobuf payloads of the topic's message as JSON, and checks the filter against it", async () => {
    const message = messageOf("distribution.v1.Position");
    await using server = await startRest({ topics: [{ ...TOPICS[0]!, message }] });
    const headers = {
      "ce-specversion": "1.0",
      "ce-source": "/t",
      "ce-type": "t",
      "content-type": "application/protobuf",
    };
    for (const offset of ["7", "8"]) {
      const body = Buffer.from(Position.encode({ topic: "x", partition: 0, epoch: "", offset }).finish());
      await fetch(server.url + PATH, { method: "POST", headers: { ...headers, "ce-id": offset }, body });
    }
    const { events } = await page(server, `filter=${encodeURIComponent('data.offset == "8"')}`);
    expect(events).toMatchObject([
      { event: { datacontenttype: "application/json", data: { topic: "x", offset: "8" } } },
    ]);
    const wrong = await problemIn(await server.get(`${PATH}?filter=data.nothing%20%3D%3D%201`));
    expect(wrong).toMatchObject({ code: "invalid_filter", errors: [{ path: "query.filter" }] });
  });

  it("takes a comma in a key behind a backslash", async () => {
    await using server = await withEvents(2, ["A,1", "B\\"]);
    expect(ids(await page(server, `keys=${encodeURIComponent("A\\,1")}`))).toEqual(["0"]);
    expect(ids(await page(server, `keys=${encodeURIComponent("B\\\\")}`))).toEqual(["1"]);
  });

  it("ends a page early once its events reach the bound in bytes", async () => {
    await using server = await startRest({ limits: { pageBytes: 1 } });
    await server.publish("test.trades", { id: "1", key: "A" }, { id: "2", key: "A" });
    const first = await page(server, "");
    expect([ids(first), first.complete]).toEqual([["1"], false]);
  });

  it("refuses a cursor of another query, and one that it did not make", async () => {
    await using server = await withEvents(3);
    const { cursor } = await page(server, "limit=1");
    for (const query of [
      `cursor=${cursor}&keys=A`,
      `cursor=${cursor}x`,
      `cursor=${cursor}.x`,
      "cursor=x",
      "cursor=.",
      "cursor=a.b",
    ]) {
      const problem = await problemIn(await server.get(`${PATH}?${query}`));
      expect(problem).toMatchObject({ status: 400, code: "invalid_token" });
      expect(problem.errors[0]?.path).toBe("query.cursor");
    }
  });

  it("says when the log no longer has the place", async () => {
    const gone = new DistributionError("position_gone", "Retention was here.");
    await using server = await withEvents(1);
    server.log.fail = { after: 0, error: gone };
    expect(await problemIn(await server.get(PATH))).toMatchObject({ status: 410, code: "position_gone" });
  });

  it("answers a damaged record as such, with its place in the log", async () => {
    await using server = await withEvents(1);
    server.log.damage("test.trades");
    const problem = await problemIn(await server.get(PATH));
    expect(problem).toMatchObject({ status: 500, code: "record_damaged" });
    expect(problem.detail).toMatch(/test\.trades, partition \d, epoch e1, offset 1/);
  });
});

describe("bounds of a history request", () => {
  it.each([
    ["limit=1", 200],
    ["limit=3", 200],
    ["limit=0", 400],
    ["limit=4", 400],
    ["limit=-1", 400],
    ["limit=1.5", 400],
    ["limit=", 400],
    ["keys=A", 200],
    ["keys=A,B", 200],
    ["keys=A,B,C", 400],
    ["keys=", 400],
    ["keys=A,", 400],
    ["keys=A%5C", 400],
    [`keys=${"k".repeat(256)}`, 200],
    [`keys=${"k".repeat(257)}`, 400],
    ["keys=%00", 400],
    ["filter=", 400],
    ["filter=nonsense", 400],
    ["from=yesterday", 400],
    ["from=2026-02-30T00:00:00Z", 400],
    ["from=2026-01-05T14:30:00+01:00", 400],
    ["from=1767623400", 400],
    ["from=100000000000000000", 200],
    ["from=99999999999999999", 400],
    ["from=9223372036854775807", 200],
    ["from=9223372036854775808", 400],
    ["from=92233720368547758080", 400],
    ["from=2026-01-06T00:00:00Z&to=2026-01-05T00:00:00Z", 400],
  ])("%s gets %d", async (query, status) => {
    await using server = await startRest({ limits: { pageEvents: 3, keys: 2 } });
    const response = await server.get(`${PATH}?${query}`);
    expect(response.status).toBe(status);
    if (status === 400)
      expect((await problemIn(response)).errors[0]?.path).toMatch(/^query\.(limit|keys|filter|from|to)/);
  });

  it("names every wrong parameter at once", async () => {
    await using server = await startRest();
    const { errors } = await problemIn(await server.get(`${PATH}?limit=0&from=x`));
    expect(errors.map(({ path }) => path)).toEqual(["query.from", "query.limit"]);
  });

  it("reads at most so many histories at a time", async () => {
    const hold = Promise.withResolvers<void>();
    await using server = await startRest({ limits: { histories: 1 } });
    server.log.hold = hold.promise;
    const first = server.get(PATH);
    await expect.poll(() => server.log.open).toBe(1);
    expect(await problemIn(await server.get(PATH))).toMatchObject({ status: 503, code: "overloaded" });
    hold.resolve();
    expect((await first).status).toBe(200);
    expect((await server.get(PATH)).status).toBe(200);
  });
});

describe("history as a stream", () => {
  it("gives a line for each event and a last line that says it is whole", async () => {
    await using server = await withEvents(10);
    const all = await lines(server);
    expect(all).toHaveLength(11);
    expect(all[0]).toMatchObject({ event: { id: "0" } });
    expect(all[10]).toEqual({ cursor: expect.any(String), complete: true });
  });

  it("keeps a payload with line breaks on one line, digit for digit", async () => {
    await using server = await startRest();
    const body = '{"specversion":"1.0","id":"1","source":"/t","type":"t","data":{\n "n": 12345678901234567890.10\r\n}}';
    await fetch(server.url + PATH, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body,
    });
    const text = await (await server.get(PATH, { accept: "application/x-ndjson" })).text();
    expect(text.trimEnd().split("\n")).toHaveLength(2);
    expect(text).toContain("12345678901234567890.10");
  });

  it("stops at the limit with a cursor that goes on", async () => {
    await using server = await withEvents(5);
    const first = await lines(server, "limit=3");
    expect(first).toHaveLength(4);
    const { cursor, complete } = first[3] as { cursor: string; complete: boolean };
    expect(complete).toBe(false);
    expect(await lines(server, `cursor=${cursor}`)).toHaveLength(3);
  });

  it("breaks off visibly when the log fails in the midst of it", async () => {
    await using server = await withEvents(10);
    server.log.fail = { after: 6, error: new Error("disk") };
    const response = await server.get(PATH, { accept: "application/x-ndjson" });
    let text = "";
    const read = async (): Promise<void> => {
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part;
    };
    await expect(read()).rejects.toThrow();
    expect(JSON.parse(text.trimEnd().split("\n").at(-1)!)).toMatchObject({ error: { code: "internal" } });
    expect(text).not.toContain("disk");
    expect(server.lines).toHaveLength(1);
  });

  it("answers a failure before the first event as a problem", async () => {
    await using server = await startRest();
    server.log.fail = { after: 0, error: new DistributionError("unavailable", "The broker is away.") };
    const response = await server.get(PATH, { accept: "application/x-ndjson" });
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await problemIn(response)).toMatchObject({ status: 503, code: "unavailable" });
  });

  it("stops reading the log when the client goes", async () => {
    await using server = await bigStream();
    const stop = new AbortController();
    const response = await fetch(server.url + PATH, {
      headers: { accept: "application/x-ndjson" },
      signal: stop.signal,
    });
    expect(response.status).toBe(200);
    stop.abort();
    await expect.poll(() => server.log.open).toBe(0);
    expect(server.lines).toEqual([]);
  });

  it("cuts off a client that takes nothing for too long", async () => {
    await using server = await bigStream({ stallMs: 100 });
    const response = await fetch(server.url + PATH, { headers: { accept: "application/x-ndjson" } });
    await expect.poll(() => server.log.open, { timeout: 5000 }).toBe(0);
    await expect(response.text()).rejects.toThrow();
  });
});

describe("what a history request accepts", () => {
  it.each(["text/csv", "application/json;q=0", "text/event-stream"])("406 for %s", async (accept) => {
    await using server = await startRest();
    const problem = await problemIn(await server.get(PATH, { accept }));
    expect(problem).toMatchObject({ status: 406, code: "not_acceptable" });
    expect(problem.detail).toContain("application/x-ndjson");
  });

  it("hands event streams to the part that serves them, and only those", async () => {
    await using server = await startRest({
      eventStream: (request, response) =>
        void response.type("text/event-stream").send(`data: ${request.params["topic"]}\n\n`),
    });
    expect(await (await server.get(PATH, { accept: "text/event-stream" })).text()).toBe("data: test.trades\n\n");
    for (const accept of ["*/*", "application/json", "text/event-stream;q=0.5, application/json"]) {
      expect((await server.get(PATH, { accept })).headers.get("content-type")).toContain("application/json");
    }
  });

  it("says that the answer varies", async () => {
    await using server = await startRest();
    expect((await server.get(PATH)).headers.get("vary")).toBe("Accept");
  });
});

/** A server whose history is longer than any socket buffer. */
async function bigStream(limits: { stallMs?: number } = {}): Promise<RestServer> {
  const server = await startRest({ limits });
  server.log.seed("test.trades", 200, 200_000);
  return server;
}
