import { expect, test } from "vitest";
import { checkDependencies } from "../src/check-dependencies.ts";
import { isAllowedLicence } from "../src/dependencies/licences.ts";
import { createCheckout, project } from "./checkout.ts";

const GOOD = { version: "1.0.0", license: "MIT", integrity: "sha512-x" };

function judge(packages: object, manifest: object = {}): readonly string[] {
  using checkout = createCheckout({
    "package.json": { workspaces: ["libs/*"], ...manifest },
    "libs/a/package.json": project("@distribution/a", "core"),
    "package-lock.json": {
      packages: { "": {}, "libs/a": {}, "node_modules/@distribution/a": { link: true }, ...packages },
    },
  });
  return checkDependencies(checkout.root);
}

test("a sound lock has no findings", () => {
  const optionalDependencies = { "b-linux": "1.0.0" };
  expect(judge({ "node_modules/b": { ...GOOD, optionalDependencies }, "node_modules/b-linux": GOOD })).toEqual([]);
});

test.each([
  ["a licence that is not on the list", { ...GOOD, license: "GPL-3.0" }, "licence GPL-3.0 is not on the list"],
  ["no stated licence", { version: "1.0.0", integrity: "x" }, "states no licence"],
  ["no integrity", { version: "1.0.0", license: "MIT" }, "holds no integrity"],
  ["an address of its own", { ...GOOD, resolved: "https://mirror.test/b.tgz" }, "comes from https://mirror.test"],
  ["an optional package left out", { ...GOOD, optionalDependencies: { "b-mac": "1.0.0" } }, "b-mac has no entry"],
  ["a dependency left out", { ...GOOD, dependencies: { c: "1.0.0" } }, "c has no entry"],
  ["an undecided install script", { ...GOOD, hasInstallScript: true }, "allow or deny it"],
])("refuses a package with %s", (_, locked, why) => {
  expect(judge({ "node_modules/b": locked })).toEqual([expect.stringContaining(why)]);
});

test("an install script that was denied is decided", () => {
  const packages = { "node_modules/b": { ...GOOD, hasInstallScript: true } };
  expect(judge(packages, { allowScripts: { b: false } })).toEqual([]);
});

test.each(["^1.0.0", "1", "*", "latest", "npm:c@^1.0.0"])("refuses the inexact version %s", (range) => {
  expect(judge({}, { devDependencies: { b: range } })).toEqual([`package.json: b "${range}" is not an exact version`]);
});

test.each(["1.0.0", "1.0.0-rc.1", "npm:@c/d@6.0.2"])("takes the exact version %s", (range) => {
  expect(judge({}, { dependencies: { b: range } })).toEqual([]);
});

test.each([
  ["MIT", true],
  ["GPL-3.0", false],
  ["MIT OR GPL-3.0", true],
  ["MIT AND GPL-3.0", false],
  ["(MIT OR GPL-3.0) AND ISC", true],
  ["GPL-3.0 OR MIT AND ISC", true],
  ["GPL-3.0 AND (MIT OR ISC)", false],
  ["(MIT", false],
  ["MIT)", false],
  ["MIT ISC", false],
  ["", false],
])("licence %j is allowed: %s", (expression, allowed) => {
  expect(isAllowedLicence(expression)).toBe(allowed);
});
