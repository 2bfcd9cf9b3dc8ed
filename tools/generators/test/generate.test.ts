import { execFileSync, spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SERVICES } from "../../cli/src/service/address.ts";
import { portsOf, servicesOf } from "../src/checkout.ts";
import { checkNames, choosePort } from "../src/checks.ts";
import { generateDomain, ROOT } from "../src/generate.ts";
import { enlist } from "../src/lists.ts";
import { filler, TEMPLATE } from "../src/names.ts";
import { nextSteps } from "../src/next-steps.ts";
import { createFolder } from "./support/folder.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");

/** A checkout with one service, on 7060 to 7062. */
function checkoutWithFees(): string {
  const folder = createFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  folder.put({
    "package.json": '{ "workspaces": ["apps/*", "libs/*"] }',
    "libs/core/package.json": '{ "name": "@distribution/core" }',
    "apps/fees-distribution/package.json": '{ "name": "@distribution/fees" }',
    "apps/fees-distribution/src/config.ts": "...serviceSettings({ port: 7060, grpcPort: 7061, adminPort: 7062 }),",
    "proto/old_fees/v1/old_fees.proto": "",
  });
  return folder.root;
}

function emptyFolder(): string {
  const folder = createFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  return folder.root;
}

describe("the names of a domain", () => {
  const event = "changed";

  it("are put where the template has its own, in every case", () => {
    const fill = filler({ name: "repo-rates", event: "rate-set", port: 8000 });
    expect(fill("new-domain new_domain NEW_DOMAIN NewDomainEvent newDomainOpenApi")).toBe(
      "repo-rates repo_rates REPO_RATES RepoRatesEvent repoRatesOpenApi",
    );
    expect(fill("some-event some_event SomeEvent someEvent")).toBe("rate-set rate_set RateSet rateSet");
    expect(fill("7060, 7061, 7062, 7063")).toBe("8000, 8001, 8002, 7063");
    // What was put in is not taken for the template's.
    expect(filler({ ...TEMPLATE, name: "some-event", event: "done" })("new-domain some-event")).toBe("some-event done");
  });

  it.each(["fees2", "a", "a-1", "repo-rates"])("may be %s", (name) => {
    expect(() => checkNames([checkoutWithFees()], { name, event })).not.toThrow();
  });

  it.each([
    ["Fees", 'The name "Fees" can\'t be'],
    ["2fees", "the first character a letter"],
    ["fees_2", "words of a-z"],
    ["fees-", "words of a-z"],
    ["../fees", "words of a-z"],
    ["", "such as repo-rates"],
    ["fees", "apps/fees-distribution is there already"],
    ["old-fees", "proto/old_fees is there already"],
    ["core", "@distribution/core is another package's name"],
    ["fees-paid", '"fees-paid" and "fees" can\'t be told apart by the prefix of their settings'],
  ])("can't be %s", (name, message) => {
    expect(() => checkNames([emptyFolder(), checkoutWithFees()], { name, event })).toThrow(message);
  });

  it.each(["Rate", "event-time", "repo-event"])("can't be %s for an event", (wrong) => {
    expect(() => checkNames([], { name: "repo", event: wrong })).toThrow(`--event "${wrong}"`);
  });
});

describe("the port", () => {
  it("is the first ten above those in use", () => {
    expect(choosePort([emptyFolder()])).toBe(7060);
    expect(choosePort([emptyFolder(), checkoutWithFees()])).toBe(7070);
  });

  it.each(["7063", "7057", "1024", "65533"])("may be %s", (port) => {
    expect(choosePort([checkoutWithFees()], port)).toBe(Number(port));
  });

  it.each([
    ["7062", "7062 is fees's; it takes three in a row, such as 7070"],
    ["7058", "7060 is fees's"],
    ["1023", "from 1024 to 65533"],
    ["65534", "from 1024 to 65533"],
    ["70x", "whole number"],
  ])("can't be %s", (port, message) => {
    expect(() => choosePort([checkoutWithFees()], port)).toThrow(message);
  });

  it("is known of every service that there is", () => {
    expect(new Set(portsOf(ROOT).values())).toEqual(new Set(servicesOf(ROOT)));
    expect([...portsOf(ROOT).keys()]).toEqual(expect.arrayContaining([7010, 7031, 7052]));
  });

  it("is not guessed where a service's can't be read", () => {
    const folder = createFolder();
    onTestFinished(() => folder[Symbol.dispose]());
    folder.put({ "apps/odd-distribution/src/config.ts": "" });
    expect(() => choosePort([folder.root])).toThrow("apps/odd-distribution/src/config.ts: no port");
  });
});

describe("what is made", () => {
  it("is one app folder, one proto package and its settings on a machine, of few files, in which nothing is the template's", () => {
    const out = emptyFolder();
    const files = generateDomain(out, { name: "repo-rates", event: "rate-set", port: 7070 });
    expect(globSync("**/*.*", { cwd: out }).sort()).toEqual(files);
    expect(files.length).toBeLessThanOrEqual(16);
    for (const file of files) {
      expect(file).toMatch(/^(apps\/repo-rates-distribution|proto\/repo_rates\/v1|deploy\/systemd)\//);
      expect(readFileSync(join(out, file), "utf8")).not.toMatch(/new.?domain|some.?event|706\d|TODO/i);
    }
  });

  it("leaves what is there as it is", () => {
    const folder = createFolder();
    onTestFinished(() => folder[Symbol.dispose]());
    const file = "apps/fees-distribution/src/config.ts";
    folder.put({ [file]: "mine" });
    expect(() => generateDomain(folder.root, { name: "fees", event: "charged", port: 7070 })).toThrow("EEXIST");
    expect(readFileSync(join(folder.root, file), "utf8")).toBe("mine");
  });

  it("depends on the same versions as the core", () => {
    const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), "utf8")) as Record<string, object>;
    const core = read("libs/distribution-core/package.json");
    const app = read("tools/generators/templates/apps/new-domain-distribution/package.json");
    const versions = Object.entries({ ...app["dependencies"], ...app["devDependencies"] });
    const others = versions.filter(([name]) => !name.startsWith("@distribution/"));
    expect(others.length).toBeGreaterThan(0);
    expect({ ...core["dependencies"], ...core["devDependencies"] }).toMatchObject(Object.fromEntries(others));
  });
});

describe("the lists of services", () => {
  const LISTS = [
    "deploy/prometheus/prometheus.yaml",
    "deploy/prometheus/alerts.yaml",
    "tools/cli/src/service/address.ts",
  ];
  const copyLists = (...lists: readonly string[]) => {
    const folder = createFolder();
    onTestFinished(() => folder[Symbol.dispose]());
    folder.put(Object.fromEntries(lists.map((file) => [file, readFileSync(join(ROOT, file), "utf8")])));
    return folder;
  };
  const repoRates = { name: "repo-rates", event: "rate-set", port: 7070 };

  it("name it behind the others, with its ports, and have nothing else changed", () => {
    const { root } = copyLists(...LISTS);
    expect(enlist(root, repoRates)).toEqual(LISTS);
    const linesOf = (folder: string, file: string) => readFileSync(join(folder, file), "utf8").split("\n");
    const added = LISTS.map((file) => {
      const before = linesOf(ROOT, file);
      return linesOf(root, file).filter((line) => !before.includes(line));
    });
    const down = linesOf(ROOT, LISTS[1]!).find((line) => line.includes("up{job=~"))!;
    expect(added).toEqual([
      ["  - job_name: repo-rates", '    static_configs: [{ targets: ["localhost:7072"] }]'],
      [
        "      - { record: distribution:target_seconds, expr: vector(0.100), labels: { job: repo-rates } }",
        down.replace('"} == 0', '|repo-rates"} == 0'),
      ],
      ['  "repo-rates": 7070,'],
    ]);
    enlist(root, { name: "fees", event: "charged", port: 7080 });
    expect(readFileSync(join(root, LISTS[2]!), "utf8")).toContain('  "repo-rates": 7070,\n  fees: 7080,\n} as const');
  });

  it("have the port of every service that there is", () => {
    const publicPorts = new Map([...portsOf(ROOT)].reverse().map(([port, service]) => [service, port]));
    expect(new Map(Object.entries(SERVICES))).toEqual(publicPorts);
    const scraped = readFileSync(join(ROOT, LISTS[0]!), "utf8");
    for (const [service, port] of publicPorts) {
      expect(scraped).toContain(`job_name: ${service}\n    static_configs: [{ targets: ["localhost:${port + 2}"] }]`);
    }
  });

  it("are named in only where they are", () => {
    expect(enlist(emptyFolder(), repoRates)).toEqual([]);
    expect(enlist(copyLists(LISTS[0]!).root, repoRates)).toEqual([LISTS[0]]);
  });

  it("that have no place for it are told, and none is changed", () => {
    const folder = copyLists(...LISTS);
    folder.put({ [LISTS[2]!]: "export const SERVICES = {};" });
    expect(() => enlist(folder.root, repoRates)).toThrow(
      "tools/cli/src/service/address.ts: where repo-rates has to be",
    );
    expect(readFileSync(join(folder.root, LISTS[0]!), "utf8")).not.toContain("repo-rates");
  });
});

describe("the command", () => {
  const generate = (...args: readonly string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });

  it("makes a domain in another folder, and says what to do next", () => {
    const out = emptyFolder();
    const said = execFileSync(process.execPath, [MAIN, "repo-rates", "--port", "8010", "--out", out], {
      encoding: "utf8",
    });
    expect(said.trim()).toBe(nextSteps({ name: "repo-rates", event: "changed", port: 8010 }, 16, []).trim());
    expect(said).toContain("npm start -- repo-rates");
    expect(readFileSync(join(out, "apps/repo-rates-distribution/src/domain/topics.ts"), "utf8")).toContain(
      '"repo-rates.changed.v1"',
    );
  });

  it.each([
    [["market-data"], "apps/market-data-distribution is there already"],
    [["fees", "--port", "7030"], "7030 is market-data's"],
    [["fees", "--broker", "rabbit"], '--broker "rabbit" is none of embedded'],
    [["fees", "rates"], "Give one name."],
    [[], "Give one name."],
    [["fees", "--prot", "7070"], "--prot"],
  ])("refuses %s", (args, message) => {
    const { status, stderr } = generate(...args, "--out", emptyFolder());
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).toContain("npm run generate:domain -- <name>");
  });
});
