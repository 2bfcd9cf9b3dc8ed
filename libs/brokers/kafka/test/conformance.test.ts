/** The laws on a cluster in this process, so that they are tried where there is no Java. The real one: conformance.installed.test.ts. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { describeBrokerConformance } from "@distribution/testkit/broker";
import { afterAll, beforeAll } from "vitest";
import { type FakeCluster, startFakeCluster } from "./support/fake/cluster.ts";

let cluster: FakeCluster;

beforeAll(async () => {
  cluster = await startFakeCluster(2);
});
afterAll(() => cluster.stop());

describeBrokerConformance("the Kafka broker on a cluster in this process", {
  async create() {
    const open = () => createKafkaBroker({ brokers: cluster.brokers, sessionTimeoutMs: 500 });
    let broker = await open();
    return {
      broker,
      async restart() {
        await broker.close();
        broker = await open();
        return broker;
      },
      close: () => broker.close(),
    };
  },
});
