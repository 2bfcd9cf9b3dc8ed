/** A real Kafka or Pulsar behind a fault proxy, and how a service and a test come to it. */
import { createKafkaBroker } from "@distribution/broker-kafka";
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { type Controls, createFaultProxy, type FaultProxy, startKafka, startPulsar } from "@distribution/brokers";
import type { Broker } from "@distribution/core/brokers";
import type { Settings } from "@distribution/testkit/service";

export const ENGINES = ["kafka", "pulsar"] as const;
export type Engine = (typeof ENGINES)[number];

export interface RealBroker extends AsyncDisposable {
  readonly controls: Controls;
  /** Between the broker and whoever comes to it. */
  readonly proxy: FaultProxy;
  /** Of a service on it, without the prefix. */
  readonly settings: Settings;
  /** As another process: an operator's, or another service's. */
  open(): Promise<Broker>;
}

export async function startBroker(
  engine: Engine,
  properties: Readonly<Record<string, string | number | boolean>> = {},
): Promise<RealBroker> {
  const proxy = await createFaultProxy();
  if (engine === "kafka") {
    const kafka = await startKafka({ proxy, properties });
    return {
      ...{ controls: kafka, proxy },
      settings: { BROKER: engine, KAFKA_BROKERS: kafka.bootstrap },
      open: () => createKafkaBroker({ brokers: [kafka.bootstrap] }),
      [Symbol.asyncDispose]: () => kafka.remove().finally(() => proxy.close()),
    };
  }
  const pulsar = await startPulsar({ proxy, properties });
  const { serviceUrl, adminUrl } = pulsar;
  return {
    ...{ controls: pulsar, proxy },
    settings: { BROKER: engine, PULSAR_URL: serviceUrl, PULSAR_ADMIN_URL: adminUrl },
    open: () => createPulsarBroker({ serviceUrl, adminUrl }),
    [Symbol.asyncDispose]: () => pulsar.remove().finally(() => proxy.close()),
  };
}
