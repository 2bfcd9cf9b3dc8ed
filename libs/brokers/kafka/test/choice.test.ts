/** What is wrong with a service's settings is named as that service has them. */
import { createServer } from "node:net";
import { kafka } from "@distribution/broker-kafka/choice";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const PLACE = {
  ...{ service: "execution", folder: "/nowhere", logger: quiet },
  variable: (setting: string): string => `EXECUTION_${setting}`,
};
const open = (settings: object) =>
  kafka.open(z.object(kafka.settings).parse({ KAFKA_BROKERS: "127.0.0.1:1", ...settings }), PLACE);

test.each([
  [{ KAFKA_BROKERS: "127.0.0.1:1, nowhere" }, "EXECUTION_KAFKA_BROKERS[1]", 'must be "host:port"'],
  [{ KAFKA_SASL: "PLAIN" }, "EXECUTION_KAFKA_USER", "PLAIN needs it"],
  [{ KAFKA_SASL: "PLAIN", KAFKA_USER: "u" }, "EXECUTION_KAFKA_PASSWORD_FILE", "PLAIN needs it"],
  [
    { KAFKA_SASL: "PLAIN", KAFKA_USER: "u", KAFKA_PASSWORD_FILE: "/no/such" },
    "EXECUTION_KAFKA_PASSWORD_FILE",
    "/no/such",
  ],
  [{ KAFKA_TLS: "on", KAFKA_TLS_CA_FILE: "/no/such" }, "EXECUTION_KAFKA_TLS_CA_FILE", "/no/such"],
  [{ KAFKA_TLS: "on", KAFKA_TLS_CA_FILE: "/dev/null" }, "EXECUTION_KAFKA_TLS_CA_FILE", "no PEM file"],
  [
    { KAFKA_SASL: "PLAIN", KAFKA_USER: "u", KAFKA_PASSWORD_FILE: "/dev/null" },
    "EXECUTION_KAFKA_PASSWORD_FILE",
    "/dev/null is empty",
  ],
  [{ KAFKA_USER: "u" }, "EXECUTION_KAFKA_USER", "set EXECUTION_KAFKA_SASL to one of PLAIN, SCRAM-SHA-256"],
  [{ KAFKA_PASSWORD_FILE: "/f" }, "EXECUTION_KAFKA_PASSWORD_FILE", "set EXECUTION_KAFKA_SASL to one of"],
  [{ KAFKA_TLS_CERT_FILE: "/f" }, "EXECUTION_KAFKA_TLS_CERT_FILE", "set EXECUTION_KAFKA_TLS to on"],
])("%o is refused by the variable that is wrong", async (settings, path, message) => {
  await expect(open(settings)).rejects.toMatchObject({
    ...{ code: "invalid_request", message: expect.stringContaining(`${path}: `) as unknown },
    errors: [{ path, message: expect.stringContaining(message) as unknown }],
  });
});

test("what the cluster refuses later is named so, too", async () => {
  // It does not speak TLS.
  const server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await expect.poll(() => server.listening).toBe(true);
  const { port } = server.address() as { port: number };
  const broker = await open({ KAFKA_BROKERS: `127.0.0.1:${port}`, KAFKA_TLS: "on" });
  onTestFinished(() => broker.close());
  await expect
    .poll(() => broker.health().reasons.join(), { timeout: 10_000 })
    .toMatch(/TLS fails \(.*\): .*switch EXECUTION_KAFKA_TLS off, or set EXECUTION_KAFKA_BROKERS/);
});
