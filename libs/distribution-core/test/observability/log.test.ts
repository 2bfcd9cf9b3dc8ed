import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createLogger } from "../../src/observability/index.ts";

const LOG = fileURLToPath(new URL("../../src/observability/log.ts", import.meta.url));

/** What a process that logs this way writes. */
function output(level: string): Record<string, unknown>[] {
  const script = `
    import { createLogger } from ${JSON.stringify(LOG)};
    const logger = createLogger("test", ${JSON.stringify(level)});
    for (const each of ["debug", "info", "warn", "error"]) logger[each]({ n: 1, err: new Error("cause") }, each + " said");`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

describe("the log", () => {
  it("is one line of JSON for each entry on stdout, with the service, the time, the fields and the sentence", () => {
    const [info, warn, error] = output("info");
    expect(info).toMatchObject({ service: "test", n: 1, msg: "info said", err: { message: "cause" } });
    expect(new Date(info!["time"] as string).toISOString()).toBe(info!["time"]);
    expect([warn!["msg"], error!["msg"]]).toEqual(["warn said", "error said"]);
  });

  it("can be made in any process, and says nothing at level silent", () => {
    const logger = createLogger("test", "silent");
    expect(() => logger.error({}, "unheard")).not.toThrow();
  });

  it.each([
    ["debug", 4],
    ["info", 3],
    ["error", 1],
    ["silent", 0],
  ])("at level %s has %d of four entries", (level, count) => {
    expect(output(level)).toHaveLength(count);
  });
});
