/** Python systems (librdkafka) and our broker on the same topics, both ways. */
import { join } from "node:path";
import { createKafkaBroker } from "@distribution/broker-kafka";
import { preparePython, startKafka } from "@distribution/brokers";
import { describeInterop, startWithPython } from "@distribution/testkit/broker";
import { expect } from "vitest";

const CLIENT = join(import.meta.dirname, "interop/client.py");

const real = startWithPython(startKafka, () => preparePython(["confluent-kafka==2.12.2"]));

interface PythonRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

const bytes = (base64: string | null): Buffer => Buffer.from(base64 ?? "", "base64");
const inPython = (request: object): Promise<unknown> =>
  real.python(CLIENT, { bootstrap: real.engine.bootstrap, ...request });

describeInterop({
  compressions: ["none", "gzip", "snappy", "lz4", "zstd"],
  prefix: "ce_",
  open: (options) => createKafkaBroker({ brokers: [real.engine.bootstrap], ...options }),
  async write(topic, records, compression) {
    expect(await inPython({ do: "write", topic, records, compression })).toEqual({ failures: [], unsent: 0 });
  },
  async read(topic, count) {
    const read = (await inPython({ do: "read", topic, count })) as PythonRecord[];
    return read.map(({ key, value, headers }) => ({
      ...{ key: bytes(key).toString(), value: bytes(value) },
      headers: Object.fromEntries(headers.map(([name, text]) => [name, bytes(text).toString()])),
    }));
  },
});
