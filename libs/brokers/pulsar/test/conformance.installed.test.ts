/**
 * Every law on a real Pulsar, in both forms of records, by the producers' clocks and by the broker's. Restarts are of the adapter; a kill is of Pulsar
 * itself, which the next restart starts again.
 */
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { type Pulsar, startPulsar } from "@distribution/brokers";
import { describeBrokerConformance } from "@distribution/testkit/broker";
import { afterAll, beforeAll, describe } from "vitest";

const START_MS = 200_000;

const BROKER_CLOCK = {
  brokerEntryMetadataInterceptors: "org.apache.pulsar.common.intercept.AppendBrokerTimestampMetadataInterceptor",
  exposingBrokerEntryMetadataToClientEnabled: true,
};

describe.each([
  { how: "packed, by the producers' clocks", form: "packed", properties: {} },
  { how: "as CloudEvents, by the broker's clock", form: "cloudevents", properties: BROKER_CLOCK },
] as const)("$how:", ({ form, properties }) => {
  let pulsar: Pulsar;
  beforeAll(async () => {
    pulsar = await startPulsar({ properties });
  }, START_MS);
  afterAll(async () => {
    await pulsar.remove();
  });

  const factory = {
    async create() {
      const { serviceUrl, adminUrl } = pulsar;
      const open = () => createPulsarBroker({ serviceUrl, adminUrl, recordsOf: () => form });
      let broker = await open();
      return {
        broker,
        async restart() {
          await broker.close();
          if (pulsar.pid === undefined) await pulsar.start();
          broker = await open();
          return broker;
        },
        kill: () => pulsar.kill(),
        close: () => broker.close(),
      };
    },
  };
  describeBrokerConformance("the Pulsar broker", factory, { quietMs: 300 });
});
