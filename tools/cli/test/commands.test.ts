import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { SERVICES } from "../src/service/address.ts";
import { startAnswering } from "./support/answering.ts";
import { eventually, execute, start } from "./support/program.ts";
import { NOTES, startService, type TestService, TRADES } from "./support/service.ts";

let service: TestService;
let folder: string;
beforeAll(async () => {
  service = await startService();
  folder = await mkdtemp(join(tmpdir(), "distribution-cli-"));
  for (const [instrument, price] of [
    ["x:BTC", "1.10"],
    ["x:ETH", "2.20"],
    ["x:BTC", "3.30"],
  ] as const)
    await service.publishTrade(instrument, price);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const at = (...args: string[]): string[] => [...args, "--url", service.url];

async function file(...lines: string[]): Promise<string> {
  const path = join(folder, `${Math.random()}.jsonl`);
  await writeFile(path, lines.join("\n"));
  return path;
}

describe("topics", () => {
  it("lists what there is, as a table for people and as lines for programs", async () => {
    const { exit, lines } = await execute(at("topics"), { isTerminal: true });
    expect(exit).toBe(0);
    expect(lines[0]).toMatch(/^NAME +PARTITIONS +LATEST +DESCRIPTION +EVENT TYPES$/);
    expect(lines.find((line) => line.startsWith(TRADES))).toMatch(/test\.trades +2 +yes +Protobuf\. +trade\.v1$/);
    const json = await execute(at("topics"));
    expect(json.lines.map((line) => JSON.parse(line).name)).toContain(NOTES);
    const fields = await execute(at("topics", "--fields", "name,partitions"));
    expect(fields.lines).toContain(`${NOTES}\t1`);
  });
});

describe("status", () => {
  it("tells the state, in each form", async () => {
    const table = await execute(at("status"), { isTerminal: true });
    expect(table.exit).toBe(0);
    expect(table.lines.find((line) => line.startsWith("state"))).toMatch(/^state +ready$/);
    expect((await execute(at("status", "--fields", "state"))).out).toBe("ready\n");
    expect(JSON.parse((await execute(at("status", "-o", "json"))).out)).toMatchObject({ state: "ready" });
    expect(JSON.parse((await execute(at("status", "-o", "jsonl"))).out)).toMatchObject({ service: { name: "test" } });
    const one = await execute(at("status", "-o", "table", "--fields", "state"));
    expect(one.lines).toHaveLength(2);
  });

  it("fails when the service is not ready", async () => {
    const url = await startAnswering((_request, response) => {
      response.end(JSON.stringify({ state: "degraded", reasons: ["the disk is full"], topics: [] }));
    });
    const { exit, notes } = await execute(["status", "--url", new URL(url).host]);
    expect(exit).toBe(1);
    expect(notes).toContain("The service is degraded: the disk is full");
  });
});

describe("latest", () => {
  it("prints the newest event of each key, with the fields that were asked for", async () => {
    const { lines } = await execute(at("latest", TRADES, "--fields", "key,data.trade.price,partition,nothing"));
    expect(lines.map((line) => line.split("\t").slice(0, 2)).sort()).toEqual([
      ["x:BTC", "3.30"],
      ["x:ETH", "2.20"],
    ]);
    const one = await execute(at("latest", TRADES, "--keys", "x:ETH", "-o", "json"));
    expect(JSON.parse(one.out)).toMatchObject([{ event: { partitionkey: "x:ETH" } }]);
  });
});

describe("history", () => {
  it("prints the log in every form", async () => {
    const lines = await execute(at("history", TRADES));
    expect(lines.lines.map((line) => JSON.parse(line).event.data.trade.price).sort()).toEqual(["1.10", "2.20", "3.30"]);
    const list = await execute(at("history", TRADES, "-o", "json", "--filter", "data.trade.price == 2.2"));
    expect(JSON.parse(list.out)).toHaveLength(1);
    const table = await execute(at("history", TRADES, "-n", "1"), { isTerminal: true });
    expect(table.lines).toHaveLength(2);
    expect(table.lines[1]).toMatch(/"trade":\{"price":"\d\.\d0",.*\}\}$/);
    expect((await execute(at("history", TRADES, "-o", "json", "--from", "-1h", "--keys", "none"))).out).toBe("[]\n");
  });

  it("says when the stream broke off, or ended in an error", async () => {
    const bodies = [
      '{"event":{"specversion":"1.0"}}\n',
      '{"event":{}}\n{"error":{"code":"record_damaged","detail":"Bad."}}',
    ];
    const url = await startAnswering((_request, response) => {
      response.end(bodies.shift());
    });
    const broken = await execute(["history", TRADES, "--url", url]);
    expect([broken.exit, broken.lines.length]).toEqual([1, 1]);
    expect(broken.notes).toContain("broke off before its end");
    const damaged = await execute(["history", TRADES, "--url", url]);
    expect(damaged.notes).toContain("record_damaged: Bad. The history is not whole.");
  });

  it("says when the connection broke in the midst of it, or the answer is none of a service", async () => {
    const url = await startAnswering((request, response) => {
      if (request.url?.includes("latest")) {
        response.statusCode = 502;
        response.end("<html>");
        return;
      }
      response.write('{"event":{"specversion":"1.0"}}\n{"ev');
      setTimeout(() => response.destroy(), 50);
    });
    const broken = await execute(["history", TRADES, "--url", url, "--token", "t"]);
    expect([broken.exit, broken.lines.length]).toEqual([1, 1]);
    expect(broken.notes).toContain("The connection broke while the history was read.");
    const strange = await execute(["latest", TRADES, "--url", url]);
    expect(strange.notes).toContain("The service answered 502 Bad Gateway.");
  });

  it("ends on Ctrl-C", async () => {
    const url = await startAnswering((_request, response) => void response.write('{"event":{"specversion":"1.0"}}\n'));
    const running = start(["history", TRADES, "--url", url, "-o", "json"]);
    await eventually(() => running.out()).toContain("specversion");
    running.interrupt();
    expect(await running.done).toBe(130);
    expect(JSON.parse(running.out())).toHaveLength(1);
  });
});

describe("replay", () => {
  it("prints history at a multiple of its pace", async () => {
    const { exit, lines } = await execute(at("replay", TRADES, "--speed", "max"));
    expect([exit, lines.length]).toEqual([0, 3]);
    const paced = await execute(at("replay", TRADES, "--by", "time", "--speed", "1000", "--max-pause", "0.01"));
    expect(paced.lines).toHaveLength(3);
  });

  it("ends on Ctrl-C, also within a pause", async () => {
    const running = start(at("replay", TRADES, "--by", "time", "--speed", "1e-12"));
    await eventually(() => running.lines().length).toBe(1);
    running.interrupt();
    expect(await running.done).toBe(130);
  });
});

describe("publish", () => {
  it("takes payloads, CloudEvents, and what the other commands print", async () => {
    const lines = [
      '{"order":{"id":"o1","version":1},"big":123456789012345678901234567890}',
      "",
      '{"specversion":"1.0","id":"c1","source":"/c","type":"c.v1","data":{"n":1}}',
      '{"position":{"topic":"x"},"event":{"specversion":"1.0","id":"c2","source":"/c","type":"c.v1","partitionkey":"own"}}',
    ];
    const path = await file(...lines);
    const command = at(
      "publish",
      NOTES,
      path,
      "--type",
      "n.v1",
      "--source",
      "/me",
      "--key",
      "k",
      "--id-from",
      "order.id",
    );
    const { exit, notes, out } = await execute([...command, "--positions"]);
    expect([exit, notes]).toEqual([0, `Published 3 events to ${NOTES}.\n`]);
    expect(
      out
        .split("\n")
        .slice(0, 3)
        .map((line) => JSON.parse(line).topic),
    ).toEqual([NOTES, NOTES, NOTES]);
    const { lines: events, out: text } = await execute(at("history", NOTES, "--fields", "id,key", "-o", "fields"));
    expect(events).toEqual(["o1\tk", "c1\tk", "c2\town"]);
    expect(text).not.toContain("e+");
    expect((await execute(at("history", NOTES))).out).toContain("123456789012345678901234567890");
    const again = await execute(command);
    expect(again.notes).toBe(`Published 3 events to ${NOTES}, 3 of which were there before.\n`);
  });

  it("publishes what was in before as it was, or as events of its own under new ids", async () => {
    const event = { specversion: "1.0", source: "/copies", type: "c.v1", partitionkey: "k", sequence: "7" };
    const line = (data: string) =>
      `${JSON.stringify({ event: { ...event, id: "copied" } }).slice(0, -2)},"data":${data}}}`;
    const first = await file(line("1"));
    const other = await file(line('{"big":12345678901234567890,"price":1.10}'));
    expect((await execute(at("publish", NOTES, first))).notes).toBe(`Published 1 event to ${NOTES}.\n`);
    expect((await execute(at("publish", NOTES, first))).notes).toContain(
      "1 event to test.notes, 1 of which was there before.",
    );
    const refused = await execute(at("publish", NOTES, other));
    expect(refused.exit).toBe(1);
    expect(refused.notes).toMatch(
      /^error: event_conflict: line 1: .*\n {2}To publish them as events of their own, add --new-ids\.$/m,
    );
    expect((await execute(at("publish", NOTES, other, "--new-ids"))).notes).toBe(`Published 1 event to ${NOTES}.\n`);
    const { lines } = await execute(at("history", NOTES, "--filter", 'source == "/copies"'));
    expect(lines).toHaveLength(2);
    const copy = JSON.parse(lines[1]!).event;
    expect(copy).toMatchObject({ source: "/copies", partitionkey: "k" });
    expect([copy.id === "copied", copy.sequence]).toEqual([false, undefined]);
    expect(lines[1]).toContain('{"big":12345678901234567890,"price":1.10}');
  });

  it("takes long numbers of the payload as they are written, also as a key", async () => {
    const path = await file('{"order":12345678901234567890,"text":"long"}');
    await execute(at("publish", NOTES, path, "--type", "n.v1", "--source", "/me", "--key-from", "order"));
    const { out } = await execute(at("latest", NOTES, "--keys", "12345678901234567890", "--fields", "data.text"));
    expect(out).toBe("long\n");
  });

  it("takes the key from the payload", async () => {
    const path = await file('{"desk":7,"text":"a"}');
    await execute(at("publish", NOTES, path, "--type", "n.v1", "--source", "/me", "--key-from", "desk"));
    expect((await execute(at("latest", NOTES, "--keys", "7", "--fields", "data.text"))).out).toBe("a\n");
  });

  it.each([
    [["{"], [], 2, /line 1: is no JSON/],
    [["{}"], [], 2, /line 1: is no CloudEvent; give --type and --source/],
    [["{}"], ["--type", "t"], 2, /give --source to/],
    [["{}"], ["--type", "t", "--source", "/s", "--id-from", "a.b"], 2, /line 1: --id-from a\.b: has no text or number/],
    [["{}"], ["--key", "a", "--key-from", "b"], 2, /--key: can't go with --key-from/],
    [
      ['{"specversion":"1.0","id":"z1","source":"/c","type":"c"}', "", '{"specversion":"1.0","id":"z2","type":"c"}'],
      [],
      1,
      /line 3/,
    ],
  ])("names what is wrong with %j %j", async (lines, options, exit, message) => {
    const result = await execute(at("publish", NOTES, await file(...lines), ...options));
    expect(result.exit).toBe(exit);
    expect(result.notes).toMatch(message);
  });

  it("says what is in when a later batch is refused", async () => {
    const good = '{"specversion":"1.0","id":"y1","source":"/c","type":"c"}';
    const { exit, notes } = await execute(at("publish", NOTES, await file(good, "{"), "--batch", "1"));
    expect(exit).toBe(2);
    expect(notes).toContain("Published 1 event; the rest is not in.\nerror: line 2: is no JSON");
  });

  it("ends on Ctrl-C without another word", async () => {
    const asked = Promise.withResolvers<void>();
    const url = await startAnswering(() => asked.resolve());
    const path = await file('{"specversion":"1.0","id":"1","source":"/c","type":"c"}');
    const running = start(["publish", NOTES, path, "--url", url]);
    await asked.promise;
    running.interrupt();
    expect(await running.done).toBe(130);
    expect(running.notes()).toBe("");
  });

  it("names a file that can't be read", async () => {
    const { exit, notes } = await execute(at("publish", NOTES, join(folder, "nothing")));
    expect(exit).toBe(2);
    expect(notes).toMatch(/file: .*nothing can't be read \(ENOENT\)/);
  });

  it("tries again what is refused for the moment", async () => {
    const answers = [503, 429, 201];
    const url = await startAnswering((_request, response) => {
      response.statusCode = answers.shift() ?? 500;
      response.end(JSON.stringify({ code: "overloaded", detail: "Later.", positions: [{}], duplicates: 0 }));
    });
    const path = await file('{"specversion":"1.0","id":"1","source":"/c","type":"c"}');
    const { exit, notes } = await execute(["publish", NOTES, path, "--url", url]);
    expect([exit, notes]).toEqual([0, `Published 1 event to ${NOTES}.\n`]);
    const refused = await execute(["publish", NOTES, path, "--url", url]);
    expect(refused.notes).toContain("overloaded: Later.");
  });
});

describe("tail", () => {
  it("prints what came and what comes, up to a limit", async () => {
    const running = start(at("tail", TRADES, "--from", "earliest", "--limit", "4", "--fields", "key,data.trade.price"));
    await eventually(() => running.lines().length).toBe(3);
    await service.publishTrade("x:SOL", "4.40");
    expect(await running.done).toBe(0);
    expect(running.lines().sort()).toEqual(["x:BTC\t1.10", "x:BTC\t3.30", "x:ETH\t2.20", "x:SOL\t4.40"]);
  });

  it("prints lines that publish takes, and filters as it is told", async () => {
    const filter = "data.trade.price == 1.1";
    const { lines } = await execute(at("tail", "test.*", "--from", "-1h", "-n", "1", "--keys", "x:BTC,y:BTC"));
    expect(JSON.parse(lines[0]!)).toMatchObject({
      position: { topic: TRADES },
      event: { specversion: "1.0", partitionkey: "x:BTC", data: { symbol: "x:BTC" }, eventclass: "trade" },
    });
    const projected = await execute(
      at("tail", TRADES, "--filter", filter, "--projection", "symbol", "--from", "earliest", "-n", "1"),
    );
    expect(JSON.parse(projected.lines[0]!).event.data).toEqual({ symbol: "x:BTC" });
  });

  it("begins with the snapshot, conflates, and counts", async () => {
    const args = at("tail", TRADES, "--snapshot", "--mode", "latest", "--max-rate", "5", "--keys", "x:ETH", "-n", "1");
    const { lines } = await execute([...args, "-o", "table"]);
    expect(lines[0]).toMatch(/^TIME +KEY +TYPE +DATA$/);
    expect(lines[1]).toContain("x:ETH");
    expect((await execute(at("tail", TRADES, "--from", "earliest", "-n", "2", "--count"))).out).toBe("2\n");
  });

  it("goes on under its name where it was", async () => {
    const args = at("tail", TRADES, "--name", "desk", "--keys", "x:BTC", "--fields", "data.trade.price", "-n", "1");
    expect((await execute([...args, "--from", "earliest"])).out).toBe("1.10\n");
    expect((await execute(args)).out).toBe("3.30\n");
  });

  it("ends on Ctrl-C with a whole list, and tells the ledger", async () => {
    const running = start(at("tail", TRADES, "--from", "earliest", "--keys", "x:ETH", "-o", "json", "--ledger"));
    await eventually(() => running.out()).toContain("x:ETH");
    running.interrupt();
    expect(await running.done).toBe(130);
    expect(JSON.parse(running.out())).toHaveLength(1);
    await eventually(() => running.notes()).toMatch(/published \d+, delivered 1, filtered \d+, conflated 0/);
  });

  it("hands on what the service refuses, with the field", async () => {
    const { exit, notes } = await execute(at("tail", TRADES, "--filter", "data.nonsense == 1"));
    expect(exit).toBe(1);
    expect(notes).toMatch(/^error: invalid_filter: subscribe\.filter: /);
  });

  it.each([
    ["tail", "data.trade.price >"],
    ["tail", "data.trade.price"],
    ["latest", "data.symbol == "],
    ["history", "has(data.symbol"],
    ["replay", "data.symbol == 'A"],
  ])("%s says of a filter that ends early how a shell takes it whole: %s", async (command, filter) => {
    const { exit, notes } = await execute(at(command, TRADES, "--filter", filter));
    expect(exit).toBe(1);
    expect(notes).toMatch(/^error: invalid_filter: .*\n {2}If the shell cut it short: .* quoted, as in --filter '/);
  });

  it.each(["data.nonsense == 1", "data.symbol = 'A'"])("says no such thing of %s", async (filter) => {
    expect((await execute(at("latest", TRADES, "--filter", filter))).notes).not.toContain("shell");
  });

  it("goes on after the connection was lost, and says so", async () => {
    await using own = await startService();
    const running = start(["tail", TRADES, "--url", own.url]);
    await eventually(() => subscriptionsOf(own.url)).toBe(1);
    await own[Symbol.asyncDispose]();
    await eventually(() => running.notes()).toContain("connecting again");
    running.interrupt();
    expect(await running.done).toBe(130);
  });
});

async function subscriptionsOf(url: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/status`);
  return ((await response.json()) as { subscriptions: number }).subscriptions;
}

describe("what can't be done", () => {
  it.each([
    [["tail", TRADES], "No service answered at http://127.0.0.1:9"],
    [["topics"], "give --url or --service"],
  ])("%j ends with 3 when no service answers", async (args, message) => {
    const { exit, notes } = await execute([...args, "--url", "http://127.0.0.1:9"]);
    expect(exit).toBe(3);
    expect(notes).toContain(message);
  });

  it.each([
    [["tail"], /missing required argument 'topics'/],
    [["fly"], /unknown command 'fly'/],
    [["topics", "--url", "ftp://x"], /--url: "ftp:\/\/x" is no address/],
    [["topics", "--service", "weather"], /Allowed choices are portfolio/],
    [["tail", "t", "-n", "0"], /Give a whole number from 1 on/],
    [["tail", "t", "--max-rate", "-1"], /Give a number above 0/],
    [["tail", "t", "--max-rate", "2"], /--max-rate: goes with --mode latest only/],
    [["replay", "t", "--speed", "fast"], /Give a number above 0, or "max"/],
    [["history", "market-data.bars", "--from", "yesterday"], /--from: "yesterday" is no time; give a time like/],
    [["history", "market-data.bars", "--to", "latest"], /--to: latest is where a log ends/],
  ])("%j ends with 2 and says why", async (args, message) => {
    const { exit, notes } = await execute(args);
    expect(exit).toBe(2);
    expect(notes).toMatch(message);
  });

  it("what answers and is no service is told as that", async () => {
    const url = await startAnswering((_request, response) => {
      response.removeHeader("content-type");
      response.end("hi");
    });
    for (const command of [["topics"], ["status"], ["history", TRADES], ["latest", TRADES]]) {
      const { exit, notes } = await execute([...command, "--url", url]);
      expect([exit, notes]).toEqual([
        3,
        `error: What answers at ${url} is no distribution service. Give another --url or --service.\n`,
      ]);
    }
  });

  it.each([
    ["tail", "market-data.bars", "foo.bar"],
    ["latest", "foo.bar"],
    ["publish", "foo.bar", "nothing.jsonl"],
  ])("%s %s is of no service that there is, and nobody is asked for it", async (...args) => {
    vi.stubEnv("DISTRIBUTION_URL", undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { exit, notes } = await execute(args);
    expect(exit).toBe(2);
    expect(notes).toMatch(/^error: topics: "foo\.bar" begins with none of the services portfolio, .*--url/);
  });

  it("a start that is none is a matter of usage", async () => {
    const { exit, notes } = await execute(at("tail", TRADES, "--from", "soon"));
    expect(exit).toBe(2);
    expect(notes).toMatch(/--from: "soon" is no start; give earliest, latest/);
  });

  it("an unknown topic is named, with what to do", async () => {
    const { exit, notes } = await execute(at("latest", "test.nothing"));
    expect(exit).toBe(1);
    expect(notes).toMatch(/unknown_topic: path\.topic: "test\.nothing" is no topic here; GET/);
  });
});

describe("fields that there are not", () => {
  const warning = async (...args: string[]): Promise<string> => (await execute(at(...args))).notes;

  it("are told once, with those that the schema has", async () => {
    const notes = await warning("latest", TRADES, "--fields", "key,data.trade.prize,data.quote.bidPrice,nothing");
    expect(notes).toMatch(/^--fields: there is no "data\.trade\.prize", "nothing"; there are key, class, topic, .*\n$/);
    expect(notes).toContain("data.trade.price");
    expect(notes).toContain("data.quote.bidPrice");
    expect(
      await warning("tail", "test.*", "--from", "-1h", "-n", "2", "--keys", "x:BTC", "--fields", "data.nothing"),
    ).toContain('there is no "data.nothing"');
  });

  it("are told with those that the first event has, where there is no schema", async () => {
    const path = await file('{"a":{"b":1},"c":[1]}');
    await execute(at("publish", NOTES, path, "--type", "n.v1", "--source", "/me", "--key", "fields"));
    const notes = await warning("latest", NOTES, "--keys", "fields", "--fields", "data.a.x,data.c.0");
    expect(notes).toMatch(/no "data\.a\.x"; there are .*, data\.a\.b, data\.c\n$/);
  });

  it("are told of topics and status, too", async () => {
    expect(await warning("topics", "--fields", "names")).toMatch(/no "names"; there are name, description, /);
    expect(await warning("status", "--fields", "stat")).toMatch(/no "stat"; there are service, state, /);
  });

  it("are no matter where an event may have them and this one has not", async () => {
    const fields = "subject,attempt,data.quote.bidPrice,data.book.levels.0.price";
    expect(await warning("history", TRADES, "--fields", fields)).toBe("");
  });
});

describe("help", () => {
  it("shows commands, examples and exit codes", async () => {
    const { exit, out } = await execute(["--help"]);
    expect(exit).toBe(0);
    expect(out).toContain("130  ended with Ctrl-C");
    const services = Object.keys(SERVICES);
    for (const name of ["tail", "topics", "latest", "history", "replay", "publish", "status"]) {
      const help = await execute([name, "--help"]);
      expect(help.exit).toBe(0);
      expect(help.out).toContain("Examples:");
      const [, examples = ""] = help.out.split("Examples:");
      const topics = examples.matchAll(/distribution (?:tail|latest|history|replay|publish) '?([^.\s]+)/g);
      for (const [, service] of topics) expect(services).toContain(service);
    }
  });
});
