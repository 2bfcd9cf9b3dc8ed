/** Every law on a real Pulsar. Restarts are of the adapter; a kill is of Pulsar itself, which the next restart starts again. */
import { createPulsarBroker, type PulsarBrokerOptions } from "@distribution/broker-pulsar";
import { type Pulsar, type PulsarOptions, startPulsar } from "@distribution/brokers";
import { describeBrokerConformance } from "@distribution/testkit/broker";
import { afterAll, beforeAll } from "vitest";

const START_MS = 200_000;

export interface PulsarUnderTest {
  readonly properties?: PulsarOptions["properties"];
  readonly options: Partial<PulsarBrokerOptions>;
  /** How long nothing comes before nothing will, ms. */
  readonly quietMs: number;
}

export function describePulsarConformance({ properties = {}, options, quietMs }: PulsarUnderTest): void {
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
      const open = () => createPulsarBroker({ serviceUrl, adminUrl, ...options });
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
  describeBrokerConformance("the Pulsar broker", factory, { quietMs });
}
