/** Read models across subscriptions, restarts and kills: read and go on, nothing missing and nothing twice. */
import { connect } from "@distribution/client";
import { forgetReadModels, testFolder, until, within } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { completion, position, proposal, state } from "../support/events.ts";
import { ADDRESSES, ns, tellGrowth } from "../support/growth.ts";
import { ask, askUntil, publish, type ReadAnswer, refusal, tell } from "../support/rest.ts";
import { type Ports, startProcess, startService } from "../support/service.ts";

interface HistoryAnswer extends ReadAnswer {
  readonly states?: readonly { readonly asOf: string; readonly nav: string }[];
}

/** The state whose nav is this number. */
const numbered = (number: number, portfolio = "growth") =>
  state(
    { id: `${portfolio}-${number}`, portfolio, seconds: number },
    { nav: `${number}`, cash: `${number}`, positionsValue: "0" },
  );

const HISTORY = "/portfolio/growth/history?limit=1000";
/** Oldest first. */
const navsOf = ({ states = [] }: HistoryAnswer): string[] => states.map(({ nav }) => nav).reverse();

const answers = (ports: Ports) =>
  Promise.all(
    ADDRESSES.map(async (path) => {
      const { status, body, headers } = await ask(ports, path);
      return { path, status, body, tag: headers.get("etag") };
    }),
  );

describe("a client that reads a portfolio and then subscribes after the answer's positions", () => {
  it("has every state once, whatever is published meanwhile", async () => {
    await using service = await startService();
    const { ports } = service;
    let published = 0;
    let enough = false;
    const publishing = (async () => {
      while (!enough) {
        published += 1;
        await tell(ports, numbered(published), numbered(published, "income"));
      }
    })();
    for (const round of [1, 2, 3]) {
      await until("some more were published", () => published >= 25 * round);
      const { body } = await ask<HistoryAnswer>(ports, HISTORY);
      expect(body.positions).toHaveLength(4);
      await using client = connect({ url: `http://127.0.0.1:${ports.public}` });
      const delivered: string[] = [];
      await using subscription = client.subscribe<{ state: { nav: string } }>({
        ...{ topics: "portfolio.state", keys: ["growth"], payload: "json" },
        from: { after: body.positions },
      });
      subscription.on("gap", (gap) => delivered.push(`gap ${JSON.stringify(gap)}`));
      subscription.onEvents((events) => void delivered.push(...events.map(({ data }) => data.state.nav)));
      const goal = published + 10;
      await until("some more are delivered", () => Number(delivered.at(-1)) >= goal);
      const all = [...navsOf(body), ...delivered];
      expect(all).toEqual(all.map((_, index) => String(index + 1)));
    }
    enough = true;
    await publishing;
  });
});

describe("a service that starts again", () => {
  it("gives the same answers, from its checkpoints, and from the log without them", async () => {
    const directory = testFolder();
    let before: Awaited<ReturnType<typeof answers>>;
    {
      await using service = await startService({ DATA_DIR: directory });
      await tellGrowth(service.ports);
      before = await answers(service.ports);
      expect(before.map(({ status }) => status)).toEqual(ADDRESSES.map(() => 200));
    }
    {
      await using service = await startService({ DATA_DIR: directory });
      expect(await answers(service.ports)).toEqual(before);
    }
    forgetReadModels(directory);
    await using service = await startService({ DATA_DIR: directory });
    expect(await answers(service.ports)).toEqual(before);
  });

  it("still knows what may follow", async () => {
    const directory = testFolder();
    {
      await using service = await startService({ DATA_DIR: directory });
      await tell(service.ports, numbered(5), position({ seconds: 5 }), proposal({ seconds: 5 }));
    }
    await using service = await startService({ DATA_DIR: directory });
    const grown = position({ seconds: 6 }, { quantity: "20", value: "30" });
    for (const told of [numbered(4), grown, proposal({ seconds: 6 })]) {
      expect(await refusal(publish(service.ports, told))).toMatchObject({ status: 409 });
    }
    await publish(service.ports, completion({ seconds: 6 }));
  });

  it("has each state once when it is killed in the middle of its work, again and again", async () => {
    const directory = testFolder();
    let last = 0;
    for (const life of [0, 1, 2]) {
      await using service = await startProcess({ DATA_DIR: directory });
      const known = navsOf((await ask<HistoryAnswer>(service.ports, HISTORY)).body);
      expect(known, `life ${life}`).toEqual(Array.from({ length: last }, (_, index) => String(index + 1)));
      for (let count = 0; count < 20; count += 1) {
        last += 1;
        await tell(service.ports, numbered(last));
      }
      if (life === 1) await askUntil<HistoryAnswer>(service.ports, HISTORY, ({ body }) => navsOf(body).length === last);
      expect(await within("the process is gone", service.kill("SIGKILL"))).toMatchObject({ signal: "SIGKILL" });
    }
    await using service = await startProcess({ DATA_DIR: directory });
    const { body } = await ask<HistoryAnswer>(service.ports, HISTORY);
    expect(navsOf(body)).toHaveLength(last);
    expect(body.states?.[0]?.asOf).toBe(ns(last));
    expect(await publish(service.ports, numbered(last - 1, "growth"))).toMatchObject({ duplicates: 1 });
    expect(await within("the process ends", service.kill("SIGTERM"))).toMatchObject({ code: 0 });
  });
});
