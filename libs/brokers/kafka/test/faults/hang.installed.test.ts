/** The broker hangs for half a minute, as a service has it. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { startKafka } from "@distribution/brokers";
import { hangUnderLoad } from "@distribution/testkit/load";
import { test } from "vitest";

test("held for 30 s under load, it says so, goes on by itself and has lost, doubled and reordered nothing", {
  timeout: 150_000,
}, async () => {
  await using kafka = await startKafka();
  await hangUnderLoad(await createKafkaBroker({ brokers: [kafka.bootstrap] }), kafka, "Kafka is away");
});
