import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheFolder, makeOnce } from "../src/process/cache.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "brokers-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** No process has this id: it is above what systems give. */
const NOBODY = "2147483646";

describe("what is made once", () => {
  it("is made by one of many that want it at the same time", async () => {
    let made = 0;
    const make = async (part: string): Promise<void> => {
      made++;
      mkdirSync(part);
      await delay(20);
      writeFileSync(join(part, "file"), "whole");
    };
    const target = join(folder, "jars");
    const got = await Promise.all([1, 2, 3, 4].map(() => makeOnce(target, make)));
    expect(got).toEqual([target, target, target, target]);
    expect(made).toBe(1);
    expect(readFileSync(join(target, "file"), "utf8")).toBe("whole");
    expect(readdirSync(folder)).toEqual(["jars"]);
  });

  it("is made again when making it failed, and nothing half made is left", async () => {
    const target = join(folder, "jars");
    const fail = async (part: string): Promise<void> => {
      mkdirSync(part);
      throw new Error("no network");
    };
    await expect(makeOnce(target, fail)).rejects.toThrow("no network");
    expect(readdirSync(folder)).toEqual([]);
    await makeOnce(target, async (part) => writeFileSync(part, ""));
    expect(existsSync(target)).toBe(true);
  });

  it("does not wait for a process that died while it made it, and removes what that left", async () => {
    const target = join(folder, "jars");
    writeFileSync(`${target}.lock`, NOBODY);
    writeFileSync(`${target}.1234.part`, "half");
    await makeOnce(target, async (part) => writeFileSync(part, "whole"));
    expect(readdirSync(folder)).toEqual(["jars"]);
  });

  it("waits for a process that lives", async () => {
    const target = join(folder, "jars");
    writeFileSync(`${target}.lock`, String(process.pid));
    const waiting = makeOnce(target, () => Promise.reject(new Error("Made twice.")));
    writeFileSync(target, "made by the other");
    expect(await waiting).toBe(target);
  });

  it("lies where BROKERS_CACHE says, else in node_modules of the checkout", () => {
    expect(cacheFolder({ BROKERS_CACHE: "/var/cache/brokers" })).toBe("/var/cache/brokers");
    expect(cacheFolder({})).toBe(resolve(import.meta.dirname, "../../../node_modules/.cache/brokers"));
  });
});
