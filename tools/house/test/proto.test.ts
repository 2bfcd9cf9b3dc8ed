import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { baseOf, checkProto } from "../src/check-proto.ts";
import { type Checkout, createCheckout } from "./checkout.ts";

const BUF = "version: v2\nmodules:\n  - path: proto\nlint:\n  use: [STANDARD]\nbreaking:\n  use: [FILE]\n";
const FILE = "proto/trade/v1/trade.proto";

const proto = (...fields: string[]): string =>
  `syntax = "proto3";\npackage trade.v1;\nmessage Trade {\n${fields.map((field) => `  ${field};\n`).join("")}}\n`;
const BEFORE = proto("string id = 1", "string price = 2");
const BROKEN = proto("string id = 1", "string price = 3");

const git = (root: string, ...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t.test", ...args], {
    cwd: root,
    encoding: "utf8",
  }).trim();

const commit = (root: string, message: string): string => {
  git(root, "add", ".");
  git(root, "commit", "--quiet", "--allow-empty", "-m", message);
  return git(root, "rev-parse", "HEAD");
};

function createRepository(): Checkout {
  const checkout = createCheckout({ "buf.yaml": BUF, [FILE]: BEFORE });
  git(checkout.root, "init", "--quiet", "--initial-branch=main");
  commit(checkout.root, "first");
  return checkout;
}

test("on main the commit before is compared, so that a break is found after it was committed", () => {
  using checkout = createRepository();
  checkout.put({ [FILE]: BROKEN });
  commit(checkout.root, "renumber");
  expect(checkProto(checkout.root).join()).toContain('field "2" with name "price"');
});

test("a break that the commit means, and says so, passes", () => {
  using checkout = createRepository();
  checkout.put({ [FILE]: BROKEN });
  commit(checkout.root, "renumber\n\nBreaks-Proto: nothing was released");
  expect(checkProto(checkout.root)).toEqual([]);
});

test("an uncommitted break is found, an addition is none", () => {
  using checkout = createRepository();
  commit(checkout.root, "second");
  checkout.put({ [FILE]: proto("string id = 1", "string price = 2", "string size = 3") });
  expect(checkProto(checkout.root)).toEqual([]);
  checkout.put({ [FILE]: BROKEN });
  expect(checkProto(checkout.root)).not.toEqual([]);
});

test("a branch is compared with where it left main", () => {
  using checkout = createRepository();
  const left = git(checkout.root, "rev-parse", "HEAD");
  git(checkout.root, "checkout", "--quiet", "-b", "feature");
  commit(checkout.root, "on the branch");
  commit(checkout.root, "again");
  expect(baseOf(checkout.root)).toBe(left);
});

test("a first commit and a clone of depth 1 have nothing to be compared with", () => {
  using checkout = createRepository();
  expect(checkProto(checkout.root)).toEqual([]);
  commit(checkout.root, "second");
  using shallow = createCheckout({});
  git(shallow.root, "clone", "--quiet", "--depth", "1", `file://${checkout.root}`, ".");
  expect(baseOf(shallow.root)).toBeUndefined();
});

test("lint findings are reported", () => {
  using checkout = createRepository();
  checkout.put({ [FILE]: BEFORE.replace("message Trade", "message trade_one") });
  expect(checkProto(checkout.root).join()).toContain("PascalCase");
});
