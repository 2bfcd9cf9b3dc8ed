import type { Event } from "@distribution/proto-types/distribution/v1/event";
import {
  FeedAlertKind,
  FeedState,
  NormalizedMarketDataEvent,
} from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, it } from "vitest";
import { createBarBuilder } from "../src/domain/bars.ts";
import { createCoinbaseNormalizer } from "../src/domain/feeds/coinbase.ts";
import type { Outgoing } from "../src/domain/feeds/envelope.ts";
import { createFeed, parseLine } from "../src/domain/feeds/feed.ts";
import type { Normalizer } from "../src/domain/feeds/normalizer.ts";
import { line, match } from "./support/recording-file.ts";

const START = 1_618_677_817_000_000_000n;

function coinbaseFeed(createNormalizer: () => Normalizer = createCoinbaseNormalizer) {
  const bars = createBarBuilder({ intervals: ["1s"] });
  const feed = createFeed({ name: "coinbase", runId: "run", createNormalizer, bars });
  const told: Outgoing[] = [...feed.start(1, START)];
  let lines = 0;
  const give = (text: string, shiftNs = 0n): readonly Outgoing[] => {
    lines += 1;
    const outgoing = feed.line(lines, parseLine({ line: lines, text, bytes: text.length }), shiftNs);
    told.push(...outgoing);
    return outgoing;
  };
  return { feed, give, told };
}

const dataOf = ({ data }: Event) => NormalizedMarketDataEvent.decode(data ?? Buffer.alloc(0));
const types = (outgoing: readonly Outgoing[]) => outgoing.map(({ event }) => event.type.split(".")[1]);
const statusOf = ({ event }: Outgoing) => {
  const { payload } = dataOf(event);
  return payload?.$case === "status" ? payload.value : undefined;
};

describe("a feed", () => {
  it("names its events by run, round, line and place in the line", () => {
    const { feed, give } = coinbaseFeed();
    const [event] = give(line(0, match(1)));
    expect(event?.event).toMatchObject({
      id: "run-1:coinbase:1:1",
      source: "/market-data/feeds/coinbase/run/trades",
      type: "market-data.trade.v1",
      key: "coinbase:YFI-BTC",
      subject: "coinbase:YFI-BTC",
      class: "EVENT_CLASS_TRADE",
      contentType: "application/protobuf",
      time: START,
      sequence: 1n,
      ingested: 0n,
    });
    feed.start(2, START);
    const parsed = parseLine({ line: 1, text: line(0, match(1)), bytes: 1 });
    expect(feed.line(1, parsed, 0n)[0]?.event).toMatchObject({ id: "run-2:coinbase:1:1", sequence: 2n });
  });

  it("knows nothing of the round before: the same trades are trades again", () => {
    const { feed, give } = coinbaseFeed();
    give(line(0, match(1)));
    feed.start(2, START);
    expect(types(give(line(0, match(1))))).toEqual(["trade"]);
  });

  it("moves all times by the shift", () => {
    const { give } = coinbaseFeed();
    const [event] = give(line(1, match(1)), 5n);
    expect(event && dataOf(event.event)).toMatchObject({
      exchangeTime: START + 5n,
      receivedTime: START + 1_000_000_005n,
    });
    expect(event?.event.time).toBe(START + 5n);
  });

  it("tells finished bars before what finished them, also when that cannot be read as a message", () => {
    const { give } = coinbaseFeed();
    give(line(0, match(1)));
    expect(types(give(line(1.5, { type: "match" })))).toEqual(["bar", "alert"]);
  });

  it("makes no bar of the trade before it connected", () => {
    const { feed, give } = coinbaseFeed();
    give(line(0, { ...match(1), type: "last_match" }));
    expect(types(feed.stop("end", START, true))).toEqual(["status"]);
  });

  it("tells bars that are open when it ends for good, and not when it is stopped", () => {
    const ended = coinbaseFeed();
    ended.give(line(0, match(1)));
    expect(types(ended.feed.stop("end", START, true))).toEqual(["bar", "status"]);
    const stopped = coinbaseFeed();
    stopped.give(line(0, match(1)));
    expect(types(stopped.feed.stop("stop", START, false))).toEqual(["status"]);
  });

  it("tells a corrected bar with the late trade, and of a trade too late for its bar", () => {
    const { give } = coinbaseFeed();
    give(line(0, match(1)));
    give(line(2, { type: "heartbeat" }));
    expect(types(give(line(2.1, match(2, "11"))))).toEqual(["trade", "bar"]);
    const late = give(line(100, match(3)));
    expect(types(late)).toEqual(["trade", "alert"]);
    expect(late[1] && statusOf(late[1])).toMatchObject({ alert: { kind: FeedAlertKind.LATE_TRADE, stream: "trades" } });
  });
});

describe("a feed's status", () => {
  it("is up from its start and down from its stop, with the reason", () => {
    const { feed, told } = coinbaseFeed();
    expect(told.map(statusOf)).toMatchObject([{ state: FeedState.UP, reason: "The feed is connected." }]);
    expect(feed.stop("The end.", START, true).map(statusOf)).toMatchObject([
      { state: FeedState.DOWN, reason: "The end." },
    ]);
    expect(told[0]?.event).toMatchObject({ key: "coinbase", class: "EVENT_CLASS_STATE", priority: 0 });
  });

  it("has alerts under a key of their own, so that a table keeps the state", () => {
    const { give } = coinbaseFeed();
    const [alert] = give("nonsense");
    expect(alert?.topic).toBe("market-data.status");
    expect(alert?.event).toMatchObject({
      key: "coinbase/alerts",
      class: "EVENT_CLASS_ALERT",
      priority: 5,
      type: "market-data.alert.v1",
    });
    expect(alert && statusOf(alert)).toMatchObject({
      state: FeedState.UP,
      alert: { kind: FeedAlertKind.MALFORMED, count: 1n, line: 1n },
    });
  });

  it("has an alert about one instrument under that instrument", () => {
    const { give } = coinbaseFeed();
    give(line(0, match(1)));
    const gap = give(line(0, match(5)))[1];
    expect(gap?.event.key).toBe("coinbase:YFI-BTC");
    expect(gap && statusOf(gap)?.alert).toMatchObject({
      kind: FeedAlertKind.GAP,
      expected: 2n,
      received: 5n,
      stream: "trades",
    });
  });

  it("counts every problem and tells of the 1st, 2nd, 4th, 8th ... of a kind", () => {
    const { feed, give, told } = coinbaseFeed();
    for (let index = 0; index < 20; index += 1) give("nonsense");
    give(line(0, { type: "surprise" }));
    const counts = told.map(statusOf).flatMap((status) => (status?.alert ? [status.alert.count] : []));
    expect(counts).toEqual([1n, 2n, 4n, 8n, 16n, 1n]);
    expect(feed.stats).toEqual({ lines: 21, control: 0, events: 7, problems: { MALFORMED: 20, UNKNOWN: 1 } });
  });

  it("counts the lines that say nothing of the market", () => {
    const { feed, give } = coinbaseFeed();
    give(line(0, { type: "subscriptions" }));
    expect(feed.stats).toMatchObject({ lines: 1, control: 1 });
  });

  it("does not hide a defect of a normalizer", () => {
    const normalizer: Normalizer = {
      venue: "broken",
      normalize() {
        throw new TypeError("a defect");
      },
    };
    const { give } = coinbaseFeed(() => normalizer);
    expect(() => give(line(0, {}))).toThrow("a defect");
  });
});
