import { createEmbeddedBroker, type EmbeddedBrokerOptions } from "@distribution/broker-embedded";
import { describe, expect, test } from "vitest";
import { folder, openBroker } from "./support.ts";

const LEAST: readonly [keyof EmbeddedBrokerOptions, number][] = [
  ["maxBytes", 65_536],
  ["diskReserveBytes", 1_048_576],
  ["maxBatchBytes", 1],
  ["maxQueuedBytes", 1],
  ["maxTransactionBytes", 1],
  ["recentBytes", 0],
  ["maintenanceIntervalMs", 10],
  ["groupWindowEvents", 1],
  ["groupWindowBytes", 1],
];
const MOST: readonly [keyof EmbeddedBrokerOptions, number][] = [
  ["maxBatchBytes", 536_870_912],
  ["maxTransactionBytes", 1_073_741_824],
  ["maintenanceIntervalMs", 2_147_483_647],
  ["groupWindowEvents", 1_000_000],
];

describe("an option outside its range is refused with its name and the range", () => {
  test.each([
    ...LEAST.map(([name, least]) => [name, least - 1] as const),
    ...MOST.map(([name, most]) => [name, most + 1] as const),
  ])("%s = %d", async (name, value) => {
    const refused = createEmbeddedBroker({ directory: folder(), [name]: value });
    await expect(refused).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path: name, message: expect.stringMatching(/must be a whole number from \d+ to \d+/) }],
    });
  });

  test.each([Number.NaN, 1.5, "10" as unknown as number])("maxBatchBytes = %s", async (value) => {
    const refused = createEmbeddedBroker({ directory: folder(), maxBatchBytes: value });
    await expect(refused).rejects.toMatchObject({ code: "invalid_request", errors: [{ path: "maxBatchBytes" }] });
  });

  test.each(["", "a\0b", undefined as unknown as string])("directory = %j", async (directory) => {
    await expect(createEmbeddedBroker({ directory })).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ path: "directory" }],
    });
  });
});

test("every option may be at its least and just above", async () => {
  for (const more of [0, 1]) {
    const options = Object.fromEntries(LEAST.map(([name, least]) => [name, least + more]));
    const broker = await openBroker(options);
    expect(broker.capabilities.maxBatchBytes).toBe(1 + more);
    await broker.close();
  }
});

test("a folder that cannot be opened is named", async () => {
  await expect(createEmbeddedBroker({ directory: "/dev/null/data" })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("/dev/null/data"),
  });
});
