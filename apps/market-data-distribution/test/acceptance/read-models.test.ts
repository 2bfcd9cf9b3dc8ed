/** Read models as clients see them: read and go on by subscription, across restarts and kills. */
import { forgetReadModels, testFolder, until, within } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import type { TradeView } from "../../src/domain/read-models/views.ts";
import { publishEvents, type ReadAnswer, request } from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";
import { subscribe } from "../support/stream/subscription.ts";
import { websocket } from "../support/stream/websocket.ts";
import { TRADES, tradeEvent, trades } from "../support/trades.ts";

const INSTRUMENT = "test:BTC-USD";

interface TradesAnswer extends ReadAnswer {
  readonly trades: readonly TradeView[];
}

const readTrades = (ports: Ports): Promise<TradesAnswer> =>
  request(ports, `/instruments/${INSTRUMENT}/trades?limit=1000`);

/** Oldest first. */
const idsOf = ({ trades: read }: TradesAnswer): string[] => read.map(({ tradeId }) => tradeId).reverse();

const publishOne = (ports: Ports, id: string) => publishEvents(ports, TRADES, [tradeEvent({ id })]);

/** The answer once it has the trade: it was acknowledged a moment ago. */
function readWith(ports: Ports, id: string): Promise<TradesAnswer> {
  return until(`the read model has ${id}`, async () => {
    const answer = await readTrades(ports).catch(() => undefined);
    return answer && idsOf(answer).includes(id) ? answer : undefined;
  });
}

describe("a client that reads a read model and then subscribes after its positions", () => {
  it("has every event once, whatever is published meanwhile", async () => {
    await using service = await startService();
    const { ports } = service;
    const published: string[] = [];
    let enough = false;
    const publishing = (async () => {
      while (!enough) {
        const id = `t${published.length}`;
        await publishEvents(ports, TRADES, [tradeEvent({ id }), tradeEvent({ id: `${id}-other`, symbol: "ETH-USD" })]);
        published.push(id);
      }
    })();
    for (const round of [1, 2, 3]) {
      await until("some more were published", () => published.length >= 25 * round);
      const answer = await readTrades(ports);
      const client = await websocket("json").connect(ports);
      const from = { after: { positions: answer.positions } };
      const subscription = await subscribe(client, { topics: [TRADES], keys: [INSTRUMENT], from });
      expect(answer.positions).toHaveLength(4);
      expect(subscription.subscribed.recovered).toBe(true);
      const goal = published.length + 10;
      await until(
        "some more were published and delivered",
        () => subscription.delivered.length >= 5 && published.length >= goal,
      );
      const all = [...idsOf(answer), ...subscription.delivered.map(({ event }) => event.id)];
      expect(all).toEqual(all.map((_, at) => `t${at}`));
      expect(subscription.breaks).toEqual([]);
      client.vanish();
    }
    enough = true;
    await publishing;
  });
});

describe("a service that starts again", () => {
  it("has its read models from their checkpoint and the log after it, each event once, also when it was killed", async () => {
    const directory = testFolder();
    // Without the checkpoint nothing of the log would be read.
    const settings = { DATA_DIR: directory, REBUILD_MINUTES: "0.000001" };
    const ids: string[] = [];
    for (const life of [0, 1, 2, 3]) {
      await using service = await startProcess(settings);
      const known = life === 0 ? [] : idsOf(await readTrades(service.ports));
      expect(known, `life ${life}`).toEqual(ids);
      for (let at = 0; at < 5; at += 1) {
        const id = `life${life}-${at}`;
        await publishOne(service.ports, id);
        ids.push(id);
      }
      await readWith(service.ports, ids.at(-1)!);
      // Of the first life there is a checkpoint; of the others only what was in it, and the log.
      await within("the process ends", service.kill(life === 0 ? "SIGTERM" : "SIGKILL"));
    }
  });

  it("without a checkpoint builds them from as much of the log as it is told, and says since when they are complete", async () => {
    const directory = testFolder();
    {
      await using service = await startService({ DATA_DIR: directory });
      await publishEvents(service.ports, TRADES, trades("old", 5));
    }
    forgetReadModels(directory);
    {
      await using service = await startService({ DATA_DIR: directory });
      const answer = await readWith(service.ports, "old-0");
      expect(answer, "all of the log is young enough").not.toHaveProperty("completeFrom");
    }
    forgetReadModels(directory);
    await using service = await startService({ DATA_DIR: directory, REBUILD_MINUTES: "0.000001" });
    await publishOne(service.ports, "new");
    const answer = await readWith(service.ports, "new");
    expect(idsOf(answer)).toEqual(["new"]);
    expect(answer.completeFrom).toMatch(/^20\d\d-.*Z$/);
  });
});
