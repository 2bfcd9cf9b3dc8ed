/** The broker under test on a Pulsar in memory. */
import type { Broker } from "@distribution/core/brokers";
import { composePulsarBroker } from "../../src/broker.ts";
import { type PulsarBrokerOptions, settingsOf } from "../../src/options.ts";
import { createTokenSource } from "../../src/token.ts";
import { createFakePort, type FakePort } from "./port.ts";
import { FakePulsar } from "./pulsar.ts";

export interface FakeBroker {
  readonly broker: Broker;
  readonly pulsar: FakePulsar;
  readonly port: FakePort;
  /** Another process on the same Pulsar. */
  another(options?: Partial<PulsarBrokerOptions>, port?: FakePort): Promise<{ broker: Broker; port: FakePort }>;
  close(): Promise<void>;
}

export async function openFake(options: Partial<PulsarBrokerOptions> = {}): Promise<FakeBroker> {
  const pulsar = await FakePulsar.start();
  const open: Broker[] = [];
  const another = async (further: Partial<PulsarBrokerOptions> = {}, port: FakePort = createFakePort(pulsar)) => {
    const settings = settingsOf({
      ...{ serviceUrl: "pulsar://127.0.0.1:1", adminUrl: pulsar.adminUrl, ...options, ...further },
    });
    const broker = await composePulsarBroker(settings, port, createTokenSource(settings.token));
    open.push(broker);
    return { broker, port };
  };
  const first = await another();
  return {
    ...{ ...first, pulsar, another },
    async close() {
      for (const broker of open) await broker.close();
      await pulsar.stop();
    },
  };
}
