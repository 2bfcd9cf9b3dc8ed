/** A service that is started before its broker, as after a power cut. */
import { freePorts } from "@distribution/brokers";
import { until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { startService } from "../support/service.ts";
import { ENGINES, startBroker } from "./support/brokers.ts";

describe.each(ENGINES)("a service whose %s is away when it starts", (engine) => {
  it("lives, says what it waits for, and is ready once the broker is there", { timeout: 180_000 }, async () => {
    await using broker = await startBroker(engine);
    await broker.controls.kill();
    const [adminPort] = await freePorts(1);
    const starting = startService({ ...broker.settings, ADMIN_PORT: String(adminPort) });
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${adminPort}${path}`);
      return { status: response.status, text: await response.text() };
    };
    // Longer than the adapters themselves wait for their first connection.
    await until(
      "it waits",
      async () => (await ask("/readyz").catch(() => undefined))?.text.match(/Kafka|Pulsar/) != null,
    );
    expect(await ask("/readyz")).toMatchObject({
      status: 503,
      text: expect.stringContaining("The service is starting."),
    });
    expect(await ask("/livez")).toMatchObject({ status: 200 });
    await broker.controls.start();
    await using _service = await starting;
    expect(await ask("/readyz")).toMatchObject({ status: 200 });
  });
});
