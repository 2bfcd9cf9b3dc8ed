/** What appends come to when their answers are lost, on a real Kafka, in both forms of records. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { createFaultProxy, startKafka } from "@distribution/brokers";
import { breakBy, describeAppendOutcomes } from "@distribution/testkit/broker";
import { describe } from "vitest";

describe.each(["packed", "cloudevents"] as const)("%s:", (form) => {
  describeAppendOutcomes(
    "the Kafka broker",
    async () => {
      const proxy = await createFaultProxy();
      const kafka = await startKafka({ proxy });
      const broker = await createKafkaBroker({
        ...{ brokers: [kafka.bootstrap], recordsOf: () => form, appendTimeoutMs: 700, requestTimeoutMs: 500 },
      });
      return {
        ...{ broker, ...breakBy(proxy) },
        async close() {
          await broker.close();
          await kafka.remove();
          await proxy.close();
        },
      };
    },
    60_000,
  );
});
