import { expect, test } from "vitest";
import { checkBoundaries } from "../src/check-boundaries.ts";
import { type Checkout, createCheckout, project } from "./checkout.ts";

const CORE = "libs/distribution-core";

function createHouse(files: Readonly<Record<string, string>>): Checkout {
  return createCheckout({
    "package.json": { workspaces: ["apps/*", "libs/*", "libs/brokers/*", "tools/*"] },
    "apps/market-data/package.json": project("@distribution/market-data", "app"),
    "apps/portfolio/package.json": project("@distribution/portfolio", "app"),
    [`${CORE}/package.json`]: project("@distribution/core", "core"),
    "libs/brokers/embedded/package.json": project("@distribution/broker-embedded", "broker"),
    "libs/distribution-client/package.json": project("@distribution/client", "client"),
    "libs/testkit/package.json": project("@distribution/testkit", "testkit"),
    "libs/simulated-world/package.json": project("@distribution/simulated-world", "world"),
    "tools/cli/package.json": project("@distribution/cli", "tool"),
    ...files,
  });
}

/** What the check says of one file with one import in it. */
function judge(file: string, specifier: string): string | undefined {
  using house = createHouse({ [file]: `import "${specifier}";\n` });
  return checkBoundaries(house.root)[0];
}

test.each([
  ["apps/market-data/src/compose.ts", "@distribution/core/brokers"],
  ["apps/market-data/src/compose.ts", "@distribution/broker-embedded"],
  ["apps/market-data/test/a.test.ts", "@distribution/client"],
  ["apps/market-data/src/simulator.ts", "@distribution/simulated-world"],
  ["libs/simulated-world/src/index.ts", "@distribution/client"],
  ["libs/simulated-world/src/index.ts", "@distribution/core/runtime"],
  ["libs/brokers/embedded/src/index.ts", "@distribution/core/brokers"],
  ["libs/brokers/embedded/test/a.test.ts", "@distribution/testkit"],
  ["libs/testkit/src/index.ts", "@distribution/core/qos"],
  ["tools/cli/src/main.ts", "@distribution/client"],
  ["libs/distribution-client/src/index.ts", "node:events"],
])("%s may import %s", (file, specifier) => {
  expect(judge(file, specifier)).toBeUndefined();
});

test.each([
  ["apps/market-data/src/compose.ts", "@distribution/client", "type:app may not import type:client"],
  ["apps/market-data/src/compose.ts", "@distribution/portfolio", "type:app may not import type:app"],
  ["apps/market-data/src/compose.ts", "../../portfolio/src/x.ts", "by its package name, not by path"],
  ["apps/market-data/src/compose.ts", "../test/x.ts", "imports only what is in src"],
  ["apps/market-data/src/compose.ts", "@distribution/simulated-world", "src/simulator.ts alone may import type:world"],
  ["libs/simulated-world/src/index.ts", "@distribution/core/qos", "by its contracts only"],
  [`${CORE}/src/service.ts`, "@distribution/broker-embedded", "type:core may not import type:broker"],
  [`${CORE}/src/service.ts`, "@distribution/core/events", "its own files by relative path"],
  ["libs/brokers/embedded/src/index.ts", "@distribution/core/qos", "by its contracts only"],
  ["libs/brokers/embedded/src/index.ts", "@distribution/testkit", "type:broker may not import type:testkit"],
  ["libs/distribution-client/src/index.ts", "@distribution/core", "type:client may not import type:core"],
  ["tools/cli/src/main.ts", "@distribution/market-data", "type:tool may not import type:app"],
])("%s may not import %s", (file, specifier, why) => {
  expect(judge(file, specifier)).toContain(why);
});

test.each([
  ["qos/cursor.ts", "../transport/contract.ts"],
  ["qos/cursor.ts", "../tail/index.ts"],
  ["qos/cursor.ts", "../tail/queries/index.ts"],
  ["qos/cursor.ts", "../subscriptions/interest-class.ts"],
  ["qos/cursor.ts", "../events/batch.ts"],
  ["qos/cursor.ts", "../errors.ts"],
  ["qos/cursor.ts", "./window.ts"],
  ["ingest/index.ts", "../routing/contract.ts"],
  ["brokers/contract.ts", "../events/batch.ts"],
  ["service.ts", "./transport/websocket/attach.ts"],
  ["index.ts", "./service.ts"],
  ["transport/websocket/index.ts", "../sessions/session.ts"],
])("within the core, %s may import %s", (file, specifier) => {
  expect(judge(`${CORE}/src/${file}`, specifier)).toBeUndefined();
});

test.each([
  ["qos/cursor.ts", "../transport/index.ts", "transport is a later stage than qos"],
  ["qos/cursor.ts", "../tail/ring.ts", "the inside of tail"],
  ["tail/ring.ts", "../subscriptions/interest-class.ts", "subscriptions is a later stage than tail"],
  ["events/batch.ts", "../brokers/partition.ts", "events stands below brokers"],
  ["events/batch.ts", "../tail/index.ts", "tail is a later stage than events"],
  ["qos/cursor.ts", "../service.ts", "puts the stages together"],
  ["qos/cursor.ts", "../gossip/index.ts", "gossip has no place"],
  ["gossip/index.ts", "../tail/index.ts", "gossip has no place"],
])("within the core, %s may not import %s", (file, specifier, why) => {
  expect(judge(`${CORE}/src/${file}`, specifier)).toContain(why);
});

test("dynamic imports, types and re-exports count, and the line is named", () => {
  using house = createHouse({
    "apps/market-data/src/a.ts": [
      "// The first line imports nothing.",
      'export { a } from "@distribution/client";',
      'import type { B } from "@distribution/client";',
      'const c = await import("@distribution/client");',
    ].join("\n"),
  });
  const lines = checkBoundaries(house.root).map((finding) => finding.split(" ")[0]);
  expect(lines).toEqual([2, 3, 4].map((line) => `apps/market-data/src/a.ts:${line}`));
});

test("a project without a known type tag cannot slip through", () => {
  using house = createHouse({ "libs/stray/package.json": JSON.stringify({ name: "@distribution/stray" }) });
  expect(() => checkBoundaries(house.root)).toThrow("libs/stray/package.json: nx.tags needs one of");
});
