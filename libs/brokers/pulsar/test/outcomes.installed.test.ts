/** What appends come to when their receipts are lost, on a real Pulsar, in both forms of messages. */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { createFaultProxy, startPulsar } from "@distribution/brokers";
import { breakBy, describeAppendOutcomes } from "@distribution/testkit/broker";
import { describe } from "vitest";

describe.each(["packed", "cloudevents"] as const)("%s:", (form) => {
  describeAppendOutcomes(
    "the Pulsar broker",
    async () => {
      const proxy = await createFaultProxy();
      const pulsar = await startPulsar({ proxy });
      const { serviceUrl, adminUrl } = pulsar;
      const broker = await createPulsarBroker({ serviceUrl, adminUrl, recordsOf: () => form, appendTimeoutMs: 700 });
      return {
        ...{ broker, ...breakBy(proxy) },
        async close() {
          await broker.close();
          await pulsar.remove();
          await proxy.close();
        },
      };
    },
    200_000,
  );
});
