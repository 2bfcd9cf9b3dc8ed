/** Every law on a Pulsar in memory; conformance.installed.test.ts has them on the real one. */
import { describeBrokerConformance } from "@distribution/testkit/broker";
import { openFake } from "./fake/broker.ts";

describeBrokerConformance("the Pulsar broker, on a Pulsar in memory,", {
  async create() {
    const fake = await openFake();
    let { broker } = fake;
    return {
      broker,
      async restart() {
        await broker.close();
        ({ broker } = await fake.another());
        return broker;
      },
      close: () => fake.close(),
    };
  },
});
