/** The broker hangs for half a minute, as a service has it. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { startPulsar } from "@distribution/brokers";
import { hangUnderLoad } from "@distribution/testkit/load";
import { test } from "vitest";

test("held for 30 s under load, it says so, goes on by itself and has lost, doubled and reordered nothing", {
  timeout: 210_000,
}, async () => {
  await using pulsar = await startPulsar();
  const broker = await createPulsarBroker({ serviceUrl: pulsar.serviceUrl, adminUrl: pulsar.adminUrl });
  await hangUnderLoad(broker, pulsar, "Not connected to Pulsar");
});
