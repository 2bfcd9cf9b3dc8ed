/** Given a service that stopped, or was killed, when it is there again, then its answers are the same, and what it knew it knows. */
import { forgetReadModels, testFolder } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { eventOf, finding, NOON, SECOND, synthesisOf } from "../support/findings.ts";
import {
  type FindingsAnswer,
  get,
  getAfter,
  idsOf,
  publish,
  publishEvents,
  type ReadAnswer,
  refusal,
} from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";

const PATHS = [
  "/intelligence/latest?include_expired=true",
  "/intelligence?workflow=research",
  "/intelligence?symbol=BTC-USD&type=signal",
  "/intelligence/kept-y",
  "/symbols",
];

/** Whole answers, positions and all. */
const readAll = (ports: Ports) => Promise.all(PATHS.map((path) => get<ReadAnswer>(ports, path)));

async function fillLog(ports: Ports): Promise<void> {
  const research = { targetWorkflows: ["research"] };
  await publish(
    ports,
    finding("signal", "kept-1", research),
    finding("signal", "kept-2", { producedAt: NOON - SECOND }),
  );
  await publish(ports, finding("news", "kept-n", { validUntil: NOON + SECOND, urgency: 9 }));
  const last = await publish(ports, synthesisOf("kept-y", ["kept-1", "kept-n"], research));
  await getAfter(ports, last, "/intelligence");
}

describe("a service that starts again", () => {
  it.each(["from its checkpoints", "from the log alone"])("gives the same answers, %s", async (how) => {
    const folder = testFolder();
    let before: readonly ReadAnswer[];
    {
      await using service = await startService({ DATA_DIR: folder });
      await fillLog(service.ports);
      before = await readAll(service.ports);
    }
    if (how === "from the log alone") forgetReadModels(folder);
    await using service = await startService({ DATA_DIR: folder });
    expect(await readAll(service.ports)).toEqual(before);
    const again = publishEvents(service.ports, TOPICS.news, [eventOf(finding("news", "kept-1"), { id: "new" })]);
    expect((await refusal(again)).code).toBe("event_conflict");
  });

  it("from as much of the log as it is told says since when its answers are complete", async () => {
    const folder = testFolder();
    {
      await using service = await startService({ DATA_DIR: folder });
      await fillLog(service.ports);
    }
    forgetReadModels(folder);
    await using service = await startService({ DATA_DIR: folder, REBUILD_MINUTES: "0.000001" });
    const answer = await getAfter<FindingsAnswer>(
      service.ports,
      await publish(service.ports, finding("signal", "new")),
      "/intelligence",
    );
    expect(idsOf(answer)).toEqual(["new"]);
    expect(answer.completeFrom).toMatch(/^20\d\d-.*Z$/);
  });

  it("also after it was killed while it published, with everything that was acknowledged", async () => {
    const folder = testFolder();
    const acknowledged: string[] = [];
    {
      await using service = await startProcess({ DATA_DIR: folder });
      const publishing = (async () => {
        for (;;) {
          const id = `k-${acknowledged.length}`;
          await publish(service.ports, finding("signal", id, { producedAt: NOON + BigInt(acknowledged.length) }));
          acknowledged.push(id);
          if (acknowledged.length === 20) void service.kill("SIGKILL");
        }
      })();
      await expect(publishing).rejects.toThrow();
    }
    await using service = await startProcess({ DATA_DIR: folder });
    const ids = idsOf(await get<FindingsAnswer>(service.ports, "/intelligence")).reverse();
    expect(ids.slice(0, acknowledged.length)).toEqual(acknowledged);
    // The one that had no answer is there or not.
    expect([acknowledged.length, acknowledged.length + 1]).toContain(ids.length);
    const [latest] = (await get<FindingsAnswer>(service.ports, "/intelligence/latest?type=signal")).findings;
    expect(latest?.intelligenceId).toBe(ids.at(-1));
  });
});
