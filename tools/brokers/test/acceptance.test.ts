/** Which broker services' tests are on. */
import { expect, it, onTestFinished, vi } from "vitest";
import { acceptanceBroker } from "../src/acceptance.ts";

function set(broker: string | undefined): void {
  vi.stubEnv("TEST_BROKER", broker);
  onTestFinished(() => void vi.unstubAllEnvs());
}

it.each([undefined, "embedded"])("is their own where TEST_BROKER is %s", async (broker) => {
  set(broker);
  expect(await acceptanceBroker("/data", "portfolio")).toEqual({});
});

it.each([
  ["kafak", "portfolio"],
  ["production", "new-domain"],
])("is none that there is not: TEST_BROKER=%s of %s is refused with what may be said", async (broker, service) => {
  set(broker);
  await expect(acceptanceBroker("/data", service)).rejects.toThrow(
    `TEST_BROKER is ${broker}, which is no broker for ${service}; set embedded, kafka, pulsar or production.`,
  );
});
