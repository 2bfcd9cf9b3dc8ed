/** What simulated clients ask for, and the same said in plain TypeScript: the oracle. */
import type { Frame } from "./client.ts";
import type { Published } from "./world.ts";

export interface Wish {
  readonly name: string;
  readonly subscribe: Frame;
  readonly topics: readonly string[];
  readonly accepts: (event: Published) => boolean;
  readonly mode: "every" | "latest";
  readonly acknowledged: boolean;
  /** Events that the client has room for; 0: it gives no credit. */
  readonly credit: number;
  /** Everything the log still had at the time is asked for. */
  readonly earliest: boolean;
}

const QUOTES = ["sim.quotes"];
const ALL = ["sim.quotes", "sim.trades"];

function wish(
  name: string,
  topics: readonly string[],
  subscribe: Frame,
  accepts: Wish["accepts"] = () => true,
  credit = 0,
): Wish {
  const profile = subscribe.profile ?? {};
  return {
    name,
    topics,
    accepts,
    subscribe: { topics, ...subscribe },
    mode: profile.mode === "latest" ? "latest" : "every",
    credit,
    acknowledged: profile.level === "at-least-once",
    earliest: subscribe.from?.earliest ?? false,
  };
}

const HIGH = { filter: "data.value >= 50" };
const isHigh = ({ value }: Published): boolean => value >= 50;
const RARE = { filter: "data.value == 7" };
const isRare = ({ value }: Published): boolean => value === 7;
const ONE_KEY = { keys: ["a"] };
const isA = ({ key }: Published): boolean => key === "a";

export const wishes: readonly Wish[] = [
  wish("everything from now", ALL, {}),
  wish("everything from the beginning", ALL, { from: { earliest: true } }),
  wish("high values", ALL, HIGH, isHigh),
  wish("high values from the beginning", ALL, { ...HIGH, from: { earliest: true } }, isHigh),
  wish("rare values", ALL, RARE, isRare),
  wish("rare values from the beginning", QUOTES, { ...RARE, from: { earliest: true } }, isRare),
  wish("one key from the beginning", ALL, { ...ONE_KEY, from: { earliest: true } }, isA),
  wish("a snapshot, then everything", QUOTES, { profile: { snapshot: true } }),
  wish("a snapshot on credit, then everything", QUOTES, { profile: { snapshot: true } }, () => true, 30),
  wish("a snapshot, then what a slow reader can take", QUOTES, { profile: { snapshot: true, slow: "drop" } }),
  wish(
    "a snapshot, then the latest on credit",
    QUOTES,
    { profile: { mode: "latest", snapshot: true } },
    () => true,
    40,
  ),
  wish("a snapshot, then high values", QUOTES, { ...HIGH, profile: { snapshot: true } }, isHigh),
  wish("the latest", QUOTES, { profile: { mode: "latest" } }),
  wish("the latest, five a second", QUOTES, { profile: { mode: "latest", maxRate: 5 } }),
  wish(
    "the latest of high values, after a snapshot",
    QUOTES,
    { ...HIGH, profile: { mode: "latest", snapshot: true, maxRate: 20 } },
    isHigh,
  ),
  wish("the latest from the beginning", QUOTES, { from: { earliest: true }, profile: { mode: "latest", maxRate: 10 } }),
  wish("the latest, at least once", QUOTES, {
    profile: { mode: "latest", level: "at-least-once", window: 10, ackTimeoutMs: 200 },
  }),
  wish("at least once", ALL, { profile: { level: "at-least-once", window: 20, ackTimeoutMs: 200 } }),
  wish("at least once from the beginning", ALL, {
    from: { earliest: true },
    profile: { level: "at-least-once", window: 5, ackTimeoutMs: 100 },
  }),
  wish(
    "at least once, high values",
    ALL,
    { ...HIGH, profile: { level: "at-least-once", window: 50, ackTimeoutMs: 500 } },
    isHigh,
  ),
  wish("what a slow reader can take", ALL, { profile: { slow: "drop" } }),
];

export function matcherOf({ topics, accepts }: Wish): (event: Published) => boolean {
  return (event) => topics.includes(event.topic) && accepts(event);
}
