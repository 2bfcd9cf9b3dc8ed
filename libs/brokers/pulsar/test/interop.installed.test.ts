/** Python systems (the C++ client) and our broker on the same topics, both ways. */
import { join } from "node:path";
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { preparePython, startPulsar } from "@distribution/brokers";
import { describeInterop, startWithPython } from "@distribution/testkit/broker";
import { expect } from "vitest";

const CLIENT = join(import.meta.dirname, "interop/client.py");

const real = startWithPython(startPulsar, () => preparePython(["pulsar-client==3.13.0"]));

interface PythonRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** On the Pulsar address of the topic's only partition. */
const inPython = (topic: string, request: object): Promise<unknown> =>
  real.python(CLIENT, {
    url: real.engine.serviceUrl,
    topic: `persistent://public/default/${topic}-partition-0`,
    ...request,
  });

describeInterop({
  compressions: ["none", "zlib", "zstd"],
  prefix: "ce-",
  open: (options) =>
    createPulsarBroker({ serviceUrl: real.engine.serviceUrl, adminUrl: real.engine.adminUrl, ...options }),
  async write(topic, records, compression) {
    expect(await inPython(topic, { do: "write", records, compression })).toEqual({ failures: [] });
  },
  async read(topic, count) {
    const read = (await inPython(topic, { do: "read", count })) as PythonRecord[];
    return read.map(({ value, ...record }) => ({ ...record, value: Buffer.from(value, "base64") }));
  },
});
