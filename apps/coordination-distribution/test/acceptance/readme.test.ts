/** The README's own commands, run as they are against the service; only the port is another one. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@distribution/testkit/service";
import { expect, it } from "vitest";
import { detected } from "../support/events.ts";
import { get, publish } from "../support/rest.ts";
import { startService } from "../support/service.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const [reads = "", publishes = "", subscribes = ""] = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
  (match) => match[1]!,
);

/** Until it ends, or its output shows what it should. */
async function run(command: string, expected?: RegExp): Promise<string> {
  const child = spawn("bash", ["-c", command], { detached: true });
  let output = "";
  let ended = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.on("close", () => {
    ended = true;
  });
  try {
    await until(
      () => `${command} is done; it wrote ${output}`,
      () => ended || expected?.test(output) === true,
    );
    return output;
  } finally {
    if (!ended) process.kill(-child.pid!, "SIGKILL");
  }
}

it("publishes, subscribes, and asks every endpoint that there is", async () => {
  await using service = await startService();
  const here = (text: string): string => text.replaceAll("localhost:7020", `localhost:${service.ports.public}`);
  expect(JSON.parse(await run(here(publishes)))).toMatchObject({ duplicates: 0 });
  await publish(service.ports, detected("c-1", ["d-1", "d-2"]));
  const shown = /data: .*"d-1"/;
  expect(await run(here(subscribes), shown)).toMatch(shown);
  await until("the read models have it", () => get(service.ports, "/conflicts/c-1").catch(() => undefined));

  const commands = reads.split("\n").filter((line) => line.startsWith("curl"));
  for (const command of commands) {
    const answer = JSON.parse(await run(here(command))) as { positions?: readonly unknown[] };
    expect(answer.positions?.length, command).toBeGreaterThan(0);
  }
  const asked = commands.map((command) => /api\/v1(\/[^?' ]+)/.exec(command)?.[1]?.replace(/\/[cd]-1$/, "/{id}"));
  const { paths } = await get<{ paths: Record<string, { get?: { tags?: readonly string[] } }> }>(
    service.ports,
    "/openapi.json",
  );
  const own = Object.entries(paths).filter(([, { get: operation }]) => operation?.tags?.includes("coordination"));
  expect(asked.sort()).toEqual(own.map(([path]) => path.replace("/api/v1", "").replace(/\{\w+\}/, "{id}")).sort());
});
