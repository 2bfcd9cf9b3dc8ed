/** One process a data folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { expect, test } from "vitest";
import { folder, idsOfEvents, openBroker, put, readAll, topicOf } from "./support.ts";

const VICTIM = join(import.meta.dirname, "kill/victim.ts");

test("a second opening of a folder in use is refused with the folder and the process", async () => {
  const directory = folder();
  const first = await openBroker({ directory });
  const topic = await topicOf(first, "a");
  const refused = createEmbeddedBroker({ directory });
  await expect(refused).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(directory) });
  await expect(refused).rejects.toThrow(`process ${process.pid}`);
  await put(first, topic, ["still works"]);
  expect(idsOfEvents(await readAll(first, topic))).toEqual(["still works"]);
});

test("a folder that another process uses is refused, and taken over once that was killed", async () => {
  const directory = folder();
  const other = spawn(process.execPath, [VICTIM, directory, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  await once(other.stdout, "data");
  await expect(createEmbeddedBroker({ directory })).rejects.toThrow(`process ${other.pid}`);
  other.stdout.resume();
  other.kill("SIGKILL");
  await once(other, "exit");
  const broker = await openBroker({ directory });
  expect(broker.health().ready).toBe(true);
});

test("a closed broker leaves its folder free", async () => {
  const directory = folder();
  await (await openBroker({ directory })).close();
  await openBroker({ directory });
});
