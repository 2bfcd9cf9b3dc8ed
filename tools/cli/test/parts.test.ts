import { createSealer } from "@distribution/core/security";
import { describe, expect, it } from "vitest";
import { createPace } from "../src/commands/replay.ts";
import { momentOf, startOption } from "../src/moment.ts";
import { createPrinter } from "../src/output/printer.ts";
import { fieldOf } from "../src/record.ts";
import { baseUrl, SERVICES } from "../src/service/address.ts";

const MS = 1_000_000n;

describe("moments", () => {
  const now = Date.parse("2026-01-05T14:30:00Z");
  it.each([
    ["-15m", BigInt(now - 900_000) * MS],
    ["-1.5h", BigInt(now - 5_400_000) * MS],
    ["-250ms", BigInt(now - 250) * MS],
    ["2026-01-05T14:30:00.000000001Z", BigInt(now) * MS + 1n],
    ["2026-01-05", BigInt(Date.parse("2026-01-05")) * MS],
    ["1767623400000000000", 1_767_623_400_000_000_000n],
    ["15m", undefined],
    ["-15y", undefined],
    ["", undefined],
  ])("%j", (text, time) => {
    expect(momentOf(text, now)).toBe(time);
  });

  it("are starts too, beside earliest, latest and tokens", () => {
    const token = createSealer(new Uint8Array(32), "cli").seal("resume", [["market-data.trades", [[0, "e", "1"]]]]);
    expect(["earliest", "latest", undefined, "-1ms", token].map((text) => startOption("--from", text, 1))).toEqual([
      "earliest",
      "latest",
      undefined,
      { time: 0n },
      { token },
    ]);
    expect(() => startOption("--from", "noon", 1)).toThrow("--from");
  });
});

describe("the pace of a replay", () => {
  const at = (seconds: number): bigint => BigInt(seconds * 1_000) * MS;

  it("keeps to the times of the events, divided by the speed, whatever printing takes", () => {
    let now = 0;
    const pace = createPace({ speed: 10 }, () => now);
    expect(pace(at(100))).toBe(0);
    now = 30;
    expect(pace(at(101))).toBe(70);
    now = 500;
    expect(pace(at(102))).toBe(0);
    expect(pace(at(110))).toBe(500);
    expect(pace(undefined)).toBe(0);
  });

  it("makes no pause longer than it may", () => {
    let now = 0;
    const pace = createPace({ speed: 1, maxPause: 2 }, () => now);
    pace(at(0));
    expect(pace(at(3_600))).toBe(2_000);
    now = 2_000;
    expect(pace(at(3_601))).toBe(1_000);
    expect(createPace({ speed: "max" }, () => 0)(at(1))).toBe(0);
  });
});

describe("addresses", () => {
  const environment = { DISTRIBUTION_URL: "desk.example:7030" };

  it("are given, or those of services at their default ports", () => {
    expect(baseUrl({ url: "localhost:7030" }).href).toBe("http://localhost:7030/");
    const ports = Object.entries(SERVICES).map(([service, port]) => [baseUrl({ service }).port, String(port)]);
    expect(ports.length).toBeGreaterThanOrEqual(5);
    for (const [found, known] of ports) expect(found).toBe(known);
    expect(() => baseUrl({ service: "weather" })).toThrow("--service");
    expect(() => baseUrl({ url: "http://" })).toThrow("--url");
    expect(() => baseUrl({ url: "localhost", service: "execution" })).toThrow("--url: can't go with --service");
  });

  it("of the command line win over DISTRIBUTION_URL, which wins over the topic", () => {
    expect(baseUrl({ service: "portfolio" }, ["execution.orders"], environment).port).toBe("7010");
    expect(baseUrl({ url: "http://other" }, [], environment).hostname).toBe("other");
    expect(baseUrl({}, ["execution.orders"], environment).host).toBe("desk.example:7030");
    expect(() => baseUrl({}, [], { DISTRIBUTION_URL: "ftp://x" })).toThrow("DISTRIBUTION_URL:");
  });

  it.each([
    [["portfolio.positions"], "7010"],
    [["coordination.>"], "7020"],
    [["execution.*", "execution.orders"], "7050"],
    [["*.trades", "intelligence.signals"], "7040"],
    [[">"], "7030"],
    [[], "7030"],
  ])("come from the topics where nothing else says: %j", (topics, port) => {
    expect(baseUrl({}, topics, { DISTRIBUTION_URL: "" }).port).toBe(port);
  });

  it.each([[["foo.bar"]], [["test"]], [["portfolio.positions", "foo.bar"]], [["constructor"]], [[""]]])(
    "cannot come from topics of no service: %j",
    (topics) => {
      const known = Object.keys(SERVICES).join(", ");
      const foreign = topics.at(-1);
      expect(() => baseUrl({}, topics, {})).toThrow(`topics: "${foreign}" begins with none of the services ${known};`);
      expect(() => baseUrl({}, topics, {})).toThrow("--url");
      expect(baseUrl({ url: "desk.example" }, topics, {}).host).toBe("desk.example");
      expect(baseUrl({}, topics, environment).host).toBe("desk.example:7030");
      expect(baseUrl({ service: "portfolio" }, topics, {}).port).toBe("7010");
    },
  );

  it("cannot come from topics of several services", () => {
    const topics = ["portfolio.positions", "market-data.trades"];
    expect(() => baseUrl({}, topics, {})).toThrow("topics: portfolio and market-data are different services");
    expect(baseUrl({ service: "portfolio" }, topics, {}).port).toBe("7010");
  });
});

describe("fields", () => {
  const record = {
    position: { topic: "t", partition: 3, epoch: "e", offset: "9" },
    event: { specversion: "1.0", partitionkey: "k", eventclass: "trade", data: { a: { b: [1] } } },
  };
  it.each([
    ["key", "k"],
    ["class", "trade"],
    ["topic", "t"],
    ["partition", 3],
    ["epoch", "e"],
    ["offset", "9"],
    ["attempt", 1],
    ["appendedAt", undefined],
    ["data.a.b", [1]],
    ["data.a.c.d", undefined],
    ["constructor", undefined],
  ])("%s", (path, value) => {
    expect(fieldOf(record, path)).toEqual(value);
  });
});

describe("output", () => {
  const print = async (format: "fields" | "table", isTerminal: boolean, value: unknown): Promise<string> => {
    let out = "";
    const terminal = {
      write: async (text: string) => {
        out += text;
      },
      say() {},
      tint: (_tone: string, text: string) => text,
      tintNote: (_tone: string, text: string) => text,
      isTerminal,
      progress() {},
      signal: new AbortController().signal,
      interrupted: false,
    };
    const columns = [
      { name: "first", value: () => "x", width: 3 },
      { name: "second", value: (given: unknown) => given },
    ];
    const printer = createPrinter<unknown>({ format, columns, terminal, live: true });
    await printer.print(value);
    await printer.end();
    return out;
  };

  it("never breaks a line or a column, whatever an event holds", async () => {
    expect(await print("fields", false, "a\tb\r\nc")).toBe("x\ta b c\n");
    expect(await print("table", true, "\u001B[31mred\u001B[0m\u0007\nnext")).toBe("FIRST  SECOND\nx      red next\n");
  });

  it("cuts no value, also on a terminal", async () => {
    const data = { id: "7".repeat(200), price: "12345678.12345678", workflows: ["a", "b", "c", "d", "e"] };
    for (const isTerminal of [true, false]) {
      expect((await print("table", isTerminal, data)).split("\n")[1]).toBe(`x      ${JSON.stringify(data)}`);
    }
  });

  it("leaves the rest of a long list of objects out for a person, and nothing in a pipe", async () => {
    const levels = [1, 2, 3, 4, 5].map((price) => ({ price }));
    const book = { levels, last: "9" };
    const rest = '{"levels":[{"price":1},{"price":2},{"price":3},"… 2 more"],"last":"9"}';
    expect((await print("table", true, book)).split("\n")[1]).toBe(`x      ${rest}`);
    expect((await print("table", true, levels.slice(0, 4))).split("\n")[1]).toContain('"… 1 more"');
    expect((await print("table", true, levels.slice(0, 3))).split("\n")[1]).not.toContain("more");
    for (const format of ["table", "fields"] as const) {
      expect(await print(format, format === "fields", book)).toContain(JSON.stringify(book));
    }
  });

  it("has nothing for nothing, and the digits of long numbers", async () => {
    expect(await print("fields", false, null)).toBe("x\t\n");
    expect(await print("fields", false, { n: 1n })).toBe('x\t{"n":"1"}\n');
  });
});
