import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { describe, expect, it } from "vitest";
import type { Broker, BrokerHealth } from "../../src/brokers/contract.ts";
import { createHealth } from "../../src/transport/health.ts";

function open() {
  let broker: BrokerHealth = { ready: true, reasons: [] };
  const runtime = createSimulatedRuntime(1);
  const health = createHealth({ runtime, broker: { health: () => broker } as Broker });
  return {
    health,
    runtime,
    brokerIs: (next: BrokerHealth) => {
      broker = next;
    },
  };
}

describe("a service's health", () => {
  it("is not ready while it starts, and says so", () => {
    const { health, brokerIs } = open();
    expect(health.read()).toEqual({ live: true, ready: false, reasons: ["The service is starting."] });
    brokerIs({ ready: false, reasons: ["away"] });
    expect(health.reasons()).toEqual(["The service is starting.", "away"]);
    expect(health.state).toBe("starting");
  });

  it("is ready, without reasons, when it serves", () => {
    const { health } = open();
    health.become("ready");
    expect(health.read()).toEqual({ live: true, ready: true, reasons: [] });
    expect(health.state).toBe("ready");
  });

  it("is degraded and yet ready while a part has something to say, and well again after", () => {
    const { health } = open();
    let troubles = ["quotes/1: away"];
    health.watch(() => troubles);
    health.become("ready");
    expect([health.state, health.read()]).toEqual(["degraded", { live: true, ready: true, reasons: troubles }]);
    troubles = [];
    expect(health.state).toBe("ready");
  });

  it("is not ready while its broker is not", () => {
    const { health, brokerIs } = open();
    health.become("ready");
    brokerIs({ ready: false, reasons: ["The disk is full."] });
    expect(health.read()).toEqual({ live: true, ready: false, reasons: ["The disk is full."] });
    expect(health.state).toBe("degraded");
  });

  it("is not ready once it goes down, for that reason alone", () => {
    const { health, brokerIs } = open();
    brokerIs({ ready: false, reasons: ["away"] });
    for (const state of ["draining", "stopped"] as const) {
      health.become(state);
      expect(health.read()).toEqual({ live: true, ready: false, reasons: ["The service is going down."] });
      expect(health.state).toBe(state);
    }
  });

  it("knows since when it is there", () => {
    const { health, runtime } = open();
    expect(health.startedAt).toBe(runtime.clock.wallNs());
  });
});
