/** What the laws are tried on, and what a broker brings to its trial. */
import type { Broker, TopicConfig } from "@distribution/core/brokers";
import type { TestContext } from "vitest";

/** A broker with nothing in it, or with nothing of these tests' names. */
export interface BrokerUnderTest {
  readonly broker: Broker;
  /** Closes the broker and opens another one on the same data. */
  restart(): Promise<Broker>;
  /** Ends the engine without warning; a `restart` follows. Absent where the engine lives in this process. */
  kill?(): Promise<void>;
  /** Closes whichever broker is open, and lets go of everything. */
  close(): Promise<void>;
}

export interface BrokerFactory {
  create(): Promise<BrokerUnderTest>;
}

export interface ConformanceOptions {
  /** How long to look for what must not come, ms. Longer for brokers with slower fetches. Default 150. */
  readonly quietMs?: number;
}

/** What the laws are tried on. */
export interface LawContext {
  readonly broker: Broker;
  readonly quietMs: number;
  /** A topic of its own for each test. */
  topic(config?: Partial<TopicConfig>): Promise<string>;
}

export type Capability = Exclude<keyof Broker["capabilities"], "maxBatchBytes">;

/** Skips the running test unless the broker declares the capability. */
export function needs(test: TestContext, { broker }: LawContext, capability: Capability): void {
  test.skip(!broker.capabilities[capability], `declared: no ${capability}`);
}
