/** Given this workspace in a temporary folder, when a domain is generated into it, then it passes every check, and its own tests. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createWorkspace, type Workspace } from "./support/workspace.ts";

const DOMAIN = "repo-rates";
const APP = `apps/${DOMAIN}-distribution`;
const PROTO = "proto/repo_rates/v1/repo_rates.proto";
/** Names so short that most lines break elsewhere, and with digits. */
const SHORT = "fx-3m";

const PASSED = { code: 0, output: expect.any(String) };

/** What each check has to find, once it is planted there. */
const CHECKS = [
  {
    name: "lint",
    command: ["biome", "check", "--error-on-warnings", "apps"],
    planted: { file: `${APP}/src/main.ts`, replace: /$/, by: "\nPromise.resolve();\n", found: "noFloatingPromises" },
  },
  {
    name: "the proto's lint",
    command: ["buf", "lint"],
    planted: { file: PROTO, replace: /$/, by: "\nmessage planted {}\n", found: "PascalCase" },
  },
  {
    name: "the proto's layout",
    command: ["buf", "format", "--diff", "--exit-code"],
    planted: { file: PROTO, replace: /\n {2}string/, by: "\nstring", found: "string instrument" },
  },
  {
    name: "types",
    command: ["tsc", "-p", APP],
    planted: { file: `${APP}/src/domain/routes.ts`, replace: /priority: 9/, by: 'priority: "9"', found: "TS2322" },
  },
  {
    name: "boundaries",
    command: ["node", "tools/house/src/main.ts", "boundaries"],
    planted: {
      file: `${APP}/src/main.ts`,
      replace: /$/,
      by: '\nimport "@distribution/client";\n',
      found: "type:client",
    },
  },
  {
    name: "its own tests",
    command: ["vitest", "run", "--project", `${DOMAIN}-distribution`],
    planted: {
      file: `${APP}/src/domain/read-models.ts`,
      replace: /eventTime < known.eventTime/,
      by: "false",
      found: "is not taken: a time before the last one",
    },
  },
] as const;

describe("a generated domain", () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = createWorkspace();
    const generate = (...args: readonly string[]) => workspace.run("node", "tools/generators/src/main.ts", ...args);
    expect(await generate(DOMAIN, "--event", "rate-set")).toEqual(PASSED);
    expect(await generate(SHORT, "--event", "x-2y")).toEqual(PASSED);
    workspace.link([APP, `apps/${SHORT}-distribution`]);
    expect(await workspace.run("node", "tools/house/src/generate-proto.ts")).toEqual(PASSED);
  });
  afterAll(() => workspace?.[Symbol.dispose]());

  describe.each(CHECKS)("passes $name", ({ command, planted: { file, replace, by, found } }) => {
    it("as it is", async () => {
      expect(await workspace.run(...command)).toEqual(PASSED);
    });

    it("and would not with something wrong in it", async () => {
      const text = readFileSync(join(workspace.root, file), "utf8");
      onTestFinished(() => workspace.put({ [file]: text }));
      workspace.put({ [file]: text.replace(replace, by) });
      const { code, output } = await workspace.run(...command);
      expect([code, output]).toEqual([expect.any(Number), expect.stringContaining(found)]);
      expect(code).not.toBe(0);
    });
  });

  it("is scraped, watched, and found by the command line, which the lists' own checks say", async () => {
    const lists = await workspace.run(
      "vitest",
      "run",
      "--project",
      "house",
      "test/deploy.test.ts",
      "-t",
      "every service",
    );
    expect(lists).toEqual(PASSED);
    const { code, output } = await workspace.run("node", "tools/cli/src/main.ts", "topics", "--service", DOMAIN);
    expect([code, output]).toEqual([expect.any(Number), expect.stringContaining("localhost:7060")]);
  });

  it("of other names passes the types, too", async () => {
    expect(await workspace.run("tsc", "-p", `apps/${SHORT}-distribution`)).toEqual(PASSED);
  });

  it("is refused where there is one of its name, or on its port", async () => {
    const generate = (...args: readonly string[]) => workspace.run("node", "tools/generators/src/main.ts", ...args);
    expect(await generate(DOMAIN)).toEqual({ code: 2, output: expect.stringContaining(`${APP} is there already`) });
    expect(await generate("fees", "--port", "7059")).toEqual({
      code: 2,
      output: expect.stringContaining("7060 is repo-rates's"),
    });
    expect(existsSync(join(workspace.root, "apps/fees-distribution"))).toBe(false);
  });
});
