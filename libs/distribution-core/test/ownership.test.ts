/** One process a folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ownFolder } from "../src/ownership.ts";
import { folder } from "./tail/support.ts";

const OWNERSHIP = join(import.meta.dirname, "../src/ownership.ts");

/** Owns the folder once it is told to, says whether it could, and stays until it is killed. */
const CONTENDER = `
  const { ownFolder } = await import(${JSON.stringify(OWNERSHIP)});
  process.stdin.once("data", () => {
    try {
      ownFolder(process.argv[1]);
      console.log("owner");
    } catch (failure) {
      console.log(failure.message);
    }
  });
  console.log("loaded");`;

interface Contender {
  readonly child: ChildProcess;
  /** Resolves with what it said. */
  contend(): Promise<string>;
}

async function contender(directory: string): Promise<Contender> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", CONTENDER, directory], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = async (): Promise<string> => String((await once(child.stdout!, "data"))[0]).trim();
  await said();
  return {
    child,
    contend() {
      child.stdin!.write("go\n");
      return said();
    },
  };
}

async function kill({ child }: Contender): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("a folder", () => {
  it("has one owner, whom a refusal names with the folder, until it is released", () => {
    const directory = folder();
    const owned = ownFolder(directory);
    expect(() => ownFolder(directory)).toThrow(
      `The data folder ${directory} is in use by process ${process.pid}. Stop it, or choose another folder.`,
    );
    owned.release();
    const next = ownFolder(directory);
    owned.release();
    expect(() => ownFolder(directory), "what is released once more is another's").toThrow("in use");
    next.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("of a killed process is taken over by one of those that come for it", { timeout: 120_000 }, async () => {
    const directory = folder();
    const all = await Promise.all(Array.from({ length: 8 }, () => contender(directory)));
    let rest = all;
    // Whoever owns it is killed, and all the others come at once.
    while (rest.length > 1) {
      const said = await Promise.all(rest.map(({ contend }) => contend()));
      const owners = rest.filter((_, index) => said[index] === "owner");
      expect(owners, said.join("\n")).toHaveLength(1);
      const [owner] = owners;
      for (const text of said) if (text !== "owner") expect(text).toContain(`in use by process ${owner!.child.pid}.`);
      await Promise.all(rest.map(kill));
      rest = await Promise.all(rest.slice(1).map(() => contender(directory)));
    }
    await Promise.all(rest.map(kill));
    ownFolder(directory).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ["a process that is gone", `${2 ** 22 + 1}-0`],
    ["an earlier process of the same number", `${process.pid}-another`],
    ["nobody", "nobody"],
  ])("that %s is said to have is free, also when who came before died on taking it", (_, owner) => {
    const directory = folder();
    symlinkSync(owner, join(directory, "in-use-by"));
    symlinkSync("1-died", join(directory, `in-use-by-after-${owner}`));
    const owned = ownFolder(directory);
    expect(() => ownFolder(directory)).toThrow(`process ${process.pid}.`);
    owned.release();
    expect(readdirSync(directory)).toEqual([]);
  });
});
