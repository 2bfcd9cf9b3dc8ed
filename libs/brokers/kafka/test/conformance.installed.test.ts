import { createKafkaBroker } from "@distribution/broker-kafka";
import { type Kafka, startKafka } from "@distribution/brokers";
import { describeBrokerConformance } from "@distribution/testkit/broker";
import { afterAll, beforeAll } from "vitest";

let kafka: Kafka;

beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(async () => {
  await kafka.remove();
});

describeBrokerConformance(
  "the Kafka broker",
  {
    async create() {
      const open = () => createKafkaBroker({ brokers: [kafka.bootstrap] });
      let broker = await open();
      return {
        broker,
        async restart() {
          await broker.close();
          broker = await open();
          return broker;
        },
        async kill() {
          await kafka.kill();
          await kafka.start();
        },
        close: () => broker.close(),
      };
    },
  },
  { quietMs: 400 },
);
