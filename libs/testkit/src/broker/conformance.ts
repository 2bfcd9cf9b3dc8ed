/**
 * The conformance suite: every law of the Broker contract is a test whose title is the law. A broker passes it whole; a test
 * is skipped only where the broker's declared capabilities say that the law does not apply. It never asks for a name.
 */
import { afterAll, beforeAll, describe } from "vitest";
import { adminLaws } from "./admin-laws.ts";
import { appendLaws } from "./append-laws.ts";
import { groupLaws } from "./group-laws.ts";
import { groupOrderLaws } from "./group-order-laws.ts";
import type { BrokerFactory, BrokerUnderTest, ConformanceOptions, LawContext } from "./law-context.ts";
import { readLaws } from "./read-laws.ts";
import { restartLaws } from "./restart-laws.ts";

export function describeBrokerConformance(
  name: string,
  factory: BrokerFactory,
  options: ConformanceOptions = {},
): void {
  describe(`${name} keeps the broker contract`, () => {
    let under: BrokerUnderTest | undefined;
    let topics = 0;
    const run = Math.random().toString(36).slice(2, 8);
    const context: LawContext = {
      get broker() {
        if (under === undefined) throw new Error("The broker is used before it was created.");
        return under.broker;
      },
      quietMs: options.quietMs ?? 150,
      async topic(config = {}) {
        topics += 1;
        const topic = `conformance.t-${run}-${topics}`;
        await context.broker.admin.ensureTopic({
          name: topic,
          partitions: 1,
          retention: {},
          compaction: false,
          ...config,
        });
        return topic;
      },
    };
    beforeAll(async () => {
      under = await factory.create();
    });
    afterAll(async () => {
      await under?.close();
    });

    describe("append", () => appendLaws(context));
    describe("read", () => readLaws(context));
    describe("group", () => groupLaws(context));
    describe("order within a group", () => groupOrderLaws(context));
    describe("admin", () => adminLaws(context));
    describe("restart and close", () => restartLaws(factory, `conformance.r-${run}`));
  });
}
