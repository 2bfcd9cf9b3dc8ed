import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { withBrokers } from "../src/launch/brokers.ts";

const SERVICES = ["execution", "market-data"];

/** A checkout in which these were started. */
function checkout(states: Readonly<Record<string, object>>): string {
  const root = mkdtempSync(join(tmpdir(), "brokers-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [name, state] of Object.entries(states)) {
    const folder = join(root, "data/brokers", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "state.json"), JSON.stringify({ pid: 1, tls: false, auth: false, ...state }));
  }
  return root;
}

test("production gives each service its own broker, at the ports where it was started", () => {
  const root = checkout({ kafka: { port: 9093 }, pulsar: { port: 6651, adminPort: 8081 } });
  expect(withBrokers(root, SERVICES, "production", { HOME: "/" })).toEqual({
    HOME: "/",
    EXECUTION_BROKER: "kafka",
    EXECUTION_KAFKA_BROKERS: "127.0.0.1:9093",
    MARKET_DATA_BROKER: "pulsar",
    MARKET_DATA_PULSAR_URL: "pulsar://127.0.0.1:6651",
    MARKET_DATA_PULSAR_ADMIN_URL: "http://127.0.0.1:8081",
  });
});

test("one broker is for all, and what is set already stays", () => {
  const root = checkout({ kafka: { port: 9093 } });
  const set = { EXECUTION_KAFKA_BROKERS: "kafka.example:9092" };
  expect(withBrokers(root, SERVICES, "kafka", set)).toMatchObject({
    ...set,
    MARKET_DATA_KAFKA_BROKERS: "127.0.0.1:9093",
  });
  expect(withBrokers(root, SERVICES, "embedded", {})).toEqual({
    EXECUTION_BROKER: "embedded",
    MARKET_DATA_BROKER: "embedded",
  });
});

test("a service of nobody's list keeps its default", () => {
  expect(withBrokers(checkout({}), ["repo-rates"], "production", {})).toEqual({});
});

test("what is not there is named, with what to do", () => {
  const secured = checkout({ kafka: { port: 1, auth: true } });
  expect(() => withBrokers(secured, SERVICES, "rabbit", {})).toThrow('no set of brokers "rabbit"; say one of embedded');
  expect(() => withBrokers(secured, SERVICES, "pulsar", {})).toThrow("npm run brokers -- start pulsar");
  expect(() => withBrokers(secured, SERVICES, "kafka", {})).toThrow("TLS or authentication");
});
