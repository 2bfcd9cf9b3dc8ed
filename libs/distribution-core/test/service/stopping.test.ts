/** A stop that something keeps from coming to its end. */
import { expect, it } from "vitest";
import type { Broker } from "../../src/brokers/index.ts";
import { type Runtime, systemRuntime } from "../../src/runtime/index.ts";
import { openEmbedded, until } from "../tail/support.ts";
import { event, prepare, publish } from "./support.ts";

it("does not wait for ever for a broker that does not answer, and says so", async () => {
  let silent = false;
  let unanswered = 0;
  const real = await openEmbedded();
  const broker: Broker = {
    ...real,
    append(writes) {
      if (!silent) return real.append(writes);
      unanswered += 1;
      return new Promise(() => {});
    },
  };
  const soon: Runtime["timers"] = {
    ...systemRuntime.timers,
    after: (ms, run) => systemRuntime.timers.after(ms / 100, run),
  };
  const { start, log } = await prepare({ broker, runtime: { ...systemRuntime, timers: soon } });
  const service = await start();
  silent = true;
  const refused = publish(service, event("1")).catch((failure: unknown) => failure);
  await until(() => unanswered > 0);
  await service.stop();
  const warnings = log.lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  expect(warnings[0]).toContain("is not durable yet, and is not waited for any more");
  expect(await refused).toBeInstanceOf(Error);
});
