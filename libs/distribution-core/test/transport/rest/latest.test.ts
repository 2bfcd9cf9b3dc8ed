import { describe, expect, it } from "vitest";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { type PlacedJson, problemIn, startRest } from "./rest-server.ts";

const PATH = "/api/v1/topics/test.trades/latest";

interface LatestJson {
  readonly positions: readonly object[];
  readonly events: readonly PlacedJson[];
}

describe("the latest event of every key", () => {
  it("gives one event a key by last change, with a position for each partition", async () => {
    await using server = await startRest();
    await server.publish("test.trades", { id: "1", key: "A" }, { id: "2", key: "B" }, { id: "3", key: "A" });
    const { positions, events } = (await (await server.get(PATH)).json()) as LatestJson;
    expect(events.map(({ event }) => event.id)).toEqual(["2", "3"]);
    expect(positions).toHaveLength(4);
  });

  it("chooses by keys and filter", async () => {
    await using server = await startRest();
    await server.publish("test.trades", { id: "1", key: "A" }, { id: "2", key: "B", type: "bust.v1" });
    const ids = async (query: string): Promise<string[]> =>
      ((await (await server.get(`${PATH}?${query}`)).json()) as LatestJson).events.map(({ event }) => event.id);
    expect(await ids("keys=A")).toEqual(["1"]);
    expect(await ids(`filter=${encodeURIComponent('type=="bust.v1"')}`)).toEqual(["2"]);
  });

  it("answers 304 to its own entity tag until an event that was chosen changes", async () => {
    await using server = await startRest();
    await server.publish("test.trades", { id: "1", key: "A" });
    const query = `${PATH}?keys=A`;
    const tag = (await server.get(query)).headers.get("etag") ?? "";
    expect(tag).toMatch(/^W\/"[\w-]{22}"$/);
    await server.publish("test.trades", { id: "2", key: "B" });
    for (const header of [tag, `"other", ${tag}`, tag.slice(2), "*"]) {
      const response = await server.get(query, { "if-none-match": header });
      expect([response.status, await response.text(), response.headers.get("etag")]).toEqual([304, "", tag]);
    }
    await server.publish("test.trades", { id: "3", key: "A" });
    const changed = await server.get(query, { "if-none-match": tag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("cache-control")).toBe("private, no-cache");
  });

  it("reckons the entity tag of many events in turns", async () => {
    let turns = 0;
    const soon = (run: () => void): void => {
      turns += 1;
      systemRuntime.timers.soon(run);
    };
    await using server = await startRest({ runtime: { ...systemRuntime, timers: { ...systemRuntime.timers, soon } } });
    server.log.seed("test.trades", 10_000, 10);
    const tag = (await server.get(PATH)).headers.get("etag") ?? "";
    turns = 0;
    expect((await server.get(PATH, { "if-none-match": tag })).status).toBe(304);
    // Of ten thousand positions, of ten characters or so each.
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it("refuses a topic that keeps no table, and says where its events are", async () => {
    await using server = await startRest();
    const problem = await problemIn(await server.get("/api/v1/topics/test.audit/latest"));
    expect(problem).toMatchObject({ status: 501, code: "not_supported" });
    expect(problem.detail).toContain("/api/v1/topics/test.audit/events");
  });

  it("answers a damaged record as a problem, without the entity tag", async () => {
    await using server = await startRest();
    await server.publish("test.trades", { id: "1", key: "A" });
    server.log.damage("test.trades");
    const response = await server.get(PATH);
    expect(response.headers.get("etag")).toBeNull();
    expect(await problemIn(response)).toMatchObject({ code: "record_damaged" });
  });

  it("stops when the client goes", async () => {
    await using server = await startRest();
    server.log.seed("test.trades", 1000, 40_000);
    const stop = new AbortController();
    await fetch(server.url + PATH, { signal: stop.signal });
    stop.abort();
    await expect.poll(() => server.metrics.render()).toContain('latest",status="aborted"} 1');
    expect(server.lines).toEqual([]);
  });
});
