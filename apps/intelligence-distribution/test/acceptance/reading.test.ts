/** Given findings that were published, when they are asked for, then the answers have them, and say where they are true. */
import { type IntelligenceEvent, QualityTier } from "@distribution/proto-types/intelligence/v1/intelligence";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { finding, NOON, SECOND, synthesisOf } from "../support/findings.ts";
import {
  type FindingAnswer,
  type FindingsAnswer,
  get,
  getAfter,
  idsOf,
  publish,
  type ReadAnswer,
  refusal,
  type SymbolsAnswer,
} from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
const at = (seconds: number): Pick<IntelligenceEvent, "producedAt"> => ({
  producedAt: NOON + BigInt(seconds) * SECOND,
});
const ETH = { symbol: "ETH-USD" };

beforeAll(async () => {
  service = await startService();
  const { ports } = service;
  await publish(
    ports,
    finding("signal", "s-1", { ...at(1), confidence: "0.9", qualityTier: QualityTier.GOLD }),
    finding("signal", "s-2", { ...at(2), confidence: "0.80", targetWorkflows: ["research"] }),
    finding("signal", "s-3", { ...at(3), confidence: "0.10", qualityTier: QualityTier.BRONZE }),
    finding("signal", "s-4", { ...at(4), ...ETH, confidence: "0.8", targetWorkflows: ["research", "risk-desk"] }),
  );
  // Its time has passed long ago by the clock of the service.
  await publish(ports, finding("news", "n-old", { producedAt: 1n, validUntil: SECOND }));
  await publish(ports, finding("sentiment", "m-1", { ...at(5), confidence: "1" }));
  const last = await publish(ports, synthesisOf("y-1", ["s-1", "lost", "m-1", "s-1"], { ...at(6), ...ETH }));
  await getAfter(ports, last, "/intelligence");
});
afterAll(() => service?.[Symbol.asyncDispose]());

const list = <T extends ReadAnswer = FindingsAnswer>(path: string): Promise<T> => get<T>(service.ports, path);
const ids = async (path: string): Promise<string[]> => idsOf(await list(path));

describe("GET /intelligence/latest", () => {
  it("has the latest of every symbol and kind, without what has expired", async () => {
    expect(await ids("/intelligence/latest")).toEqual(["m-1", "s-3", "s-4", "y-1"]);
    expect(await ids("/intelligence/latest?include_expired=true")).toEqual(["n-old", "m-1", "s-3", "s-4", "y-1"]);
  });

  it.each([
    ["symbol=ETH-USD", ["s-4", "y-1"]],
    ["symbol=BTC-USD&type=signal", ["s-3"]],
    ["type=synthesis", ["y-1"]],
    ["type=news", []],
    ["symbol=NONE", []],
  ])("narrows to %s", async (query, expected) => {
    expect(await ids(`/intelligence/latest?${query}`)).toEqual(expected);
  });

  it.each([
    ["confidence=0.8&type=signal", ["s-2", "s-4"]],
    ["confidence=0.80001&type=signal", ["s-1"]],
    ["confidence=1", ["m-1"]],
    ["tier=gold", ["s-1"]],
    ["tier=silver&symbol=BTC-USD", ["m-1", "s-2"]],
    ["workflow=research", ["s-2", "s-4"]],
    ["workflow=risk-desk&confidence=0.7", ["s-4"]],
  ])("has the newest of those that fit %s", async (query, expected) => {
    expect(await ids(`/intelligence/latest?${query}`)).toEqual(expected);
  });
});

describe("GET /intelligence", () => {
  it.each([
    ["", ["y-1", "m-1", "s-4", "s-3", "s-2", "s-1", "n-old"]],
    ["symbol=BTC-USD", ["m-1", "s-3", "s-2", "s-1", "n-old"]],
    ["symbol=BTC-USD&type=signal", ["s-3", "s-2", "s-1"]],
    ["type=news", ["n-old"]],
    ["workflow=research", ["s-4", "s-2"]],
    ["workflow=research&symbol=ETH-USD&tier=silver", ["s-4"]],
    ["confidence=0.8", ["m-1", "s-4", "s-2", "s-1"]],
    ["confidence=0.8&tier=gold", ["s-1"]],
    ["symbol=NONE", []],
  ])("has what fits %s, newest first", async (query, expected) => {
    expect(await ids(`/intelligence?${query}`)).toEqual(expected);
  });

  it("has a range of time: from is in it, to is not", async () => {
    const [from, to] = [at(2).producedAt, at(4).producedAt];
    expect(await ids(`/intelligence?from=${from}&to=${to}`)).toEqual(["s-3", "s-2"]);
    expect(await ids("/intelligence?from=2026-11-23T14:00:05Z")).toEqual(["y-1", "m-1"]);
    expect(await ids("/intelligence?to=1971-01-01T00:00:00Z&symbol=BTC-USD")).toEqual(["n-old"]);
  });

  it("comes in pages that have each finding once", async () => {
    const all: string[] = [];
    let next: string | undefined;
    do {
      const page: FindingsAnswer = await list(`/intelligence?limit=2${next === undefined ? "" : `&cursor=${next}`}`);
      all.push(...idsOf(page));
      next = page.next;
    } while (next !== undefined);
    expect(all).toEqual(await ids("/intelligence"));
  });
});

describe("GET /intelligence/{intelligence_id}", () => {
  it("has the finding as it was told", async () => {
    const answer = await list<FindingAnswer>("/intelligence/m-1");
    expect(answer.finding).toEqual({
      ...{ intelligenceId: "m-1", symbol: "BTC-USD", type: "sentiment", qualityTier: "silver", confidence: "1" },
      ...{ targetWorkflows: [], urgency: 2, producedAt: String(at(5).producedAt) },
      sentiment: { score: "-0.35", mentions: 412, window: "300000000000" },
    });
    expect(answer).not.toHaveProperty("sources");
  });

  it("of a synthesis has what it was concluded from, and says what of that is not there", async () => {
    const { finding: own, sources } = await list<FindingAnswer>("/intelligence/y-1");
    expect(own.synthesis).toMatchObject({ direction: "neutral", intelligenceIds: ["s-1", "lost", "m-1", "s-1"] });
    expect(sources?.findings.map(({ intelligenceId }) => intelligenceId)).toEqual(["s-1", "m-1"]);
    expect(sources?.missing).toEqual(["lost"]);
  });

  it("of a synthesis has another ETag when a source comes later", async () => {
    const { ports } = service;
    const first = await publish(ports, synthesisOf("y-early", ["late"], { symbol: "LATE-USD" }));
    await getAfter(ports, first, "/intelligence/y-early");
    const url = `http://127.0.0.1:${ports.public}/api/v1/intelligence/y-early`;
    const tag = (await fetch(url)).headers.get("etag") ?? "";
    expect((await fetch(url, { headers: { "if-none-match": tag } })).status).toBe(304);
    const late = await publish(ports, finding("news", "late", { symbol: "LATE-USD" }));
    await getAfter(ports, late, "/intelligence/y-early");
    const again = await fetch(url, { headers: { "if-none-match": tag } });
    expect(again.status).toBe(200);
    expect(((await again.json()) as FindingAnswer).sources).toMatchObject({
      findings: [{ intelligenceId: "late" }],
      missing: [],
    });
  });
});

describe("GET /symbols", () => {
  it("has what was told of each", async () => {
    const { symbols } = await list<SymbolsAnswer>("/symbols?limit=2");
    expect(symbols).toEqual([
      {
        symbol: "BTC-USD",
        types: [
          { type: "signal", findings: 3, lastProducedAt: String(at(3).producedAt) },
          { type: "news", findings: 1, lastProducedAt: "1" },
          { type: "sentiment", findings: 1, lastProducedAt: String(at(5).producedAt) },
        ],
      },
      {
        symbol: "ETH-USD",
        types: [
          { type: "signal", findings: 1, lastProducedAt: String(at(4).producedAt) },
          { type: "synthesis", findings: 1, lastProducedAt: String(at(6).producedAt) },
        ],
      },
    ]);
  });

  it("comes page by page", async () => {
    const first = await list<SymbolsAnswer>("/symbols?limit=1");
    const second = await list<SymbolsAnswer>(`/symbols?limit=1&cursor=${first.next}`);
    expect([first, second].flatMap(({ symbols }) => symbols.map(({ symbol }) => symbol))).toEqual([
      "BTC-USD",
      "ETH-USD",
    ]);
  });
});

describe("every answer", () => {
  it.each(["/intelligence/latest", "/intelligence", "/intelligence/s-1", "/symbols"])(
    "of %s says at which positions it is true, one a partition",
    async (path) => {
      const { positions } = await list<ReadAnswer>(path);
      const byTopic = Object.values(TOPICS).map((topic) => positions.filter((each) => each.topic === topic).length);
      expect(byTopic).toEqual([4, 2, 4, 2]);
      expect(positions).toHaveLength(12);
    },
  );
});

describe("a request that cannot be answered", () => {
  it.each([
    ["/intelligence/nobody-told", 404, "not_found", undefined],
    ["/intelligence/not%20an%20id", 400, "invalid_request", "path.intelligence_id"],
    [`/intelligence/${"a".repeat(129)}`, 400, "invalid_request", "path.intelligence_id"],
    ["/intelligence?symbol=", 400, "invalid_request", "query.symbol"],
    ["/intelligence?symbol=a%20b", 400, "invalid_request", "query.symbol"],
    [`/intelligence?symbol=${"a".repeat(65)}`, 400, "invalid_request", "query.symbol"],
    ["/intelligence/latest?type=rumour", 400, "invalid_request", "query.type"],
    ["/intelligence/latest?tier=platinum", 400, "invalid_request", "query.tier"],
    ["/intelligence/latest?confidence=1.1", 400, "invalid_request", "query.confidence"],
    ["/intelligence/latest?confidence=-0.1", 400, "invalid_request", "query.confidence"],
    ["/intelligence/latest?confidence=high", 400, "invalid_request", "query.confidence"],
    ["/intelligence/latest?workflow=Risk", 400, "invalid_request", "query.workflow"],
    ["/intelligence/latest?include_expired=yes", 400, "invalid_request", "query.include_expired"],
    ["/intelligence/latest?from=1970", 400, "invalid_request", "query.from"],
    ["/intelligence?from=2026-02-30T00:00:00Z", 400, "invalid_request", "query.from"],
    ["/intelligence?to=yesterday", 400, "invalid_request", "query.to"],
    ["/intelligence?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", 400, "invalid_request", "query.to"],
    ["/intelligence?limit=0", 400, "invalid_request", "query.limit"],
    ["/intelligence?limit=1001", 400, "invalid_request", "query.limit"],
    ["/symbols?limit=1001", 400, "invalid_request", "query.limit"],
    ["/intelligence?cursor=nonsense", 400, "invalid_request", "query.cursor"],
    ["/intelligence?symbol=A&symbol=B", 400, "invalid_request", "query.symbol"],
  ])("%s is answered %i %s at %s", async (path, status, code, at) => {
    const problem = await refusal(list(path));
    expect([problem.status, problem.code, problem.errors?.[0]?.path]).toEqual([status, code, at]);
  });

  it("with the cursor of another list is told so", async () => {
    const { next } = await list("/intelligence?limit=1&symbol=BTC-USD");
    const problem = await refusal(list(`/intelligence?limit=1&cursor=${next}`));
    expect([problem.code, problem.errors?.[0]?.path]).toEqual(["invalid_request", "query.cursor"]);
  });
});
