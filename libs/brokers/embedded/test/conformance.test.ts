import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { describeBrokerConformance } from "@distribution/testkit/broker";

describeBrokerConformance("the embedded broker", {
  async create() {
    const directory = mkdtempSync(join(tmpdir(), "embedded-conformance-"));
    let broker = await createEmbeddedBroker({ directory });
    return {
      broker,
      async restart() {
        await broker.close();
        broker = await createEmbeddedBroker({ directory });
        return broker;
      },
      async close() {
        await broker.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
});
