import { type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, test } from "vitest";
import { DistributionError, type ErrorCode } from "../../src/errors.ts";
import { encodeEvent } from "../../src/events/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import { createRouter, type RouteDefinition, type Router } from "../../src/routing/index.ts";
import { parseFilter } from "../../src/subscriptions/filter/index.ts";
import { createMatcher } from "../../src/subscriptions/matcher/index.ts";
import type { TopicDefinition } from "../../src/topics.ts";
import { event, topic } from "../ingest/support.ts";

const topics: readonly TopicDefinition[] = ["md.trades", "md.quotes", "md.large", "news.all"].map((name) =>
  topic(name),
);

function routerOf(routes: readonly RouteDefinition[], of = topics, metrics = createMetrics()): Router {
  return createRouter({ routes, topics: of, parseFilter, createMatcher, metrics });
}

function decide(router: Router, name: string, given: Event) {
  const bytes = encodeEvent(given);
  const selector = router.select(name, given.type);
  const decision = selector.decide(bytes, 0, bytes.length);
  const { destinations, routes, priority, regions } = decision;
  const explained = router.explain(name, bytes);
  // The explanation is made the slow way: the two have to agree.
  expect(explained.destinations).toEqual(destinations.map((each) => each.name));
  expect(explained.priority).toBe(priority);
  expect(explained.regions).toEqual(regions);
  return {
    to: destinations.map((each) => each.name),
    routes,
    priority,
    regions,
    isFixed: selector.fixed !== undefined,
  };
}

function refusalOf(run: () => unknown): DistributionError {
  try {
    run();
  } catch (failure) {
    expect(failure).toBeInstanceOf(DistributionError);
    return failure as DistributionError;
  }
  throw new Error("nothing was refused");
}

describe("an event", () => {
  test("goes to the topic its publisher named when no rule says otherwise", () => {
    const result = decide(routerOf([]), "md.trades", event("1"));
    expect(result).toEqual({ to: ["md.trades"], routes: ["default"], priority: undefined, regions: [], isFixed: true });
  });

  test("goes to every destination of every rule that matches, in the order of the service's topics", () => {
    const router = routerOf([
      { name: "a", when: { topics: ["md.*"] }, to: ["md.large"], priority: 2, regions: ["us", "eu"] },
      { name: "b", when: { types: ["md.>"] }, to: ["md.trades", "md.large"], priority: 5, regions: ["eu", "asia"] },
      { name: "c", when: { types: ["news.*"] }, to: ["news.all"] },
    ]);
    const result = decide(router, "md.quotes", event("1", { type: "md.x.y" }));
    expect(result).toEqual({
      to: ["md.trades", "md.large"],
      routes: ["a", "b"],
      priority: 5,
      regions: ["asia", "eu", "us"],
      isFixed: true,
    });
  });

  test("stays where it was going when the rules that match only set priority and regions", () => {
    const router = routerOf([{ name: "urgent", when: {}, to: [], priority: 0 }]);
    const result = decide(router, "md.trades", event("1"));
    expect(result).toMatchObject({ to: ["md.trades"], routes: ["urgent", "default"], priority: 0 });
  });

  test("is not tried on rules behind one that stops", () => {
    const router = routerOf([
      { name: "first", when: { keys: ["BTC"] }, to: ["md.large"], stop: true },
      { name: "second", when: {}, to: ["md.quotes"], stop: true },
      { name: "third", when: {}, to: ["news.all"] },
    ]);
    expect(decide(router, "md.trades", event("1", { key: "BTC" }))).toMatchObject({
      to: ["md.large"],
      routes: ["first"],
    });
    expect(decide(router, "md.trades", event("1", { key: "ETH" }))).toMatchObject({ to: ["md.quotes"] });
  });

  test("is routed by its contents", () => {
    const filter = 'data.size > 100 && key.startsWith("B")';
    const router = routerOf([
      { name: "large", when: { filter, topics: ["md.trades"] }, to: ["md.large", "md.trades"] },
    ]);
    const sized = (size: number, key: string) => event("1", { key, data: Buffer.from(JSON.stringify({ size })) });
    expect(decide(router, "md.trades", sized(101, "BTC"))).toMatchObject({
      to: ["md.trades", "md.large"],
      isFixed: false,
    });
    expect(decide(router, "md.trades", sized(100, "BTC"))).toMatchObject({ to: ["md.trades"], routes: ["default"] });
    expect(decide(router, "md.trades", sized(101, "ETH")).to).toEqual(["md.trades"]);
    expect(decide(router, "md.quotes", sized(101, "BTC"))).toMatchObject({ to: ["md.quotes"], isFixed: true });
  });

  test("is looked into only where a rule for its topic and type asks for it", () => {
    const router = routerOf([{ name: "k", when: { types: ["md.trade"], keys: ["constructor"] }, to: ["md.large"] }]);
    expect(decide(router, "md.trades", event("1", { type: "md.quote" })).isFixed).toBe(true);
    expect(decide(router, "md.trades", event("1", { key: "constructor" })).to).toEqual(["md.large"]);
    expect(decide(router, "md.trades", event("1", { key: "toString" })).to).toEqual(["md.trades"]);
  });

  test("is not stopped by a rule for another type that would match it", () => {
    const router = routerOf([
      { name: "s", when: { types: ["md.quote"], keys: ["x"] }, to: ["md.quotes"], stop: true },
      { name: "k", when: { types: ["md.*"], keys: ["x"] }, to: ["md.large"] },
    ]);
    expect(decide(router, "md.trades", event("1", { key: "x", type: "md.trade" })).routes).toEqual(["k"]);
    expect(decide(router, "md.trades", event("1", { key: "x", type: "md.quote" })).routes).toEqual(["s"]);
  });

  test("is read once, however many rules look into it", () => {
    let reads = 0;
    const counting: typeof createMatcher = (schema) => {
      const matcher = createMatcher(schema);
      const match: typeof matcher.match = (...event) => {
        reads += 1;
        matcher.match(...event);
      };
      return { add: matcher.add.bind(matcher), remove: matcher.remove.bind(matcher), match, size: 0 };
    };
    const routes = Array.from({ length: 100 }, (_, index) => ({
      name: `size-${index}`,
      when: { filter: `data.size > ${index}` },
      to: ["md.large"],
    }));
    const metrics = createMetrics();
    const router = createRouter({ routes, topics, parseFilter, createMatcher: counting, metrics });
    const given = encodeEvent(event("1", { data: Buffer.from(JSON.stringify({ size: 50 })) }));
    const selector = router.select("md.trades", "md.trade");
    expect(selector.decide(given, 0, given.length).routes).toHaveLength(50);
    expect(reads).toBe(1);
  });
});

describe("patterns", () => {
  test.each([
    ["md.trade", "md.trade", true],
    ["md.*", "md.trade", true],
    ["md.*", "md.trade.v1", false],
    ["md.*", "md", false],
    ["*.trade", "md.trade", true],
    ["md.>", "md.trade.v1", true],
    ["md.>", "md", false],
    [">", "md", true],
    ["md.trade", "md", false],
  ])("%s and %s: %s", (pattern, type, isCovered) => {
    const router = routerOf([{ name: "r", when: { types: [pattern] }, to: ["md.large"] }]);
    expect(decide(router, "md.trades", event("1", { type })).to).toEqual([isCovered ? "md.large" : "md.trades"]);
  });
});

describe("operators", () => {
  test("read each rule and how many events it sent on, and the default one's, also after a change of the rules", () => {
    const metrics = createMetrics();
    const definition = { name: "a", when: { keys: ["x"] }, to: ["md.large"] };
    const router = routerOf([definition], topics, metrics);
    const count = (key: string, events: number) => {
      const bytes = encodeEvent(event("1", { key }));
      router.select("md.trades", "md.trade").decide(bytes, 0, bytes.length).count(events);
    };
    count("x", 3);
    count("y", 2);
    expect(router.stats()).toEqual([
      { ...definition, events: 3 },
      { name: "default", events: 2 },
    ]);
    router.replace([{ name: "a", when: {}, to: ["md.quotes"] }]);
    count("x", 1);
    expect(router.stats()[0]).toEqual({ name: "a", when: {}, to: ["md.quotes"], events: 4 });
    expect(metrics.render()).toContain('distribution_route_matches_total{route="a"} 4');
  });

  test("are told which rules matched an event, and why the others did not", () => {
    const router = routerOf([
      { name: "topic", when: { topics: ["news.*"] }, to: ["news.all"] },
      { name: "type", when: { types: ["md.quote"] }, to: ["md.quotes"] },
      { name: "key", when: { keys: ["a", "b"] }, to: ["md.large"] },
      { name: "filter", when: { filter: "priority > 5" }, to: ["md.large"] },
      { name: "yes", when: {}, to: ["md.large"], stop: true },
      { name: "late", when: {}, to: ["md.large"] },
    ]);
    const { rules, type, key } = router.explain("md.trades", encodeEvent(event("1", { class: EventClass.TRADE })));
    expect([type, key]).toEqual(["md.trade", "k"]);
    expect(rules.map(({ name, matched, because }) => [name, matched, because])).toEqual([
      ["topic", false, "topic md.trades is not covered by news.*"],
      ["type", false, "type md.trade is not covered by md.quote"],
      ["key", false, 'key "k" is not one of a, b'],
      ["filter", false, "the filter is false: priority > 5"],
      ["yes", true, "every condition holds"],
      ["late", false, "not tried: yes matched before and stops"],
    ]);
  });

  test("change all rules at once, and keep the old ones when the new ones are wrong", () => {
    const router = routerOf([{ name: "a", when: {}, to: ["md.large"] }]);
    const version = router.version;
    expect(() => router.replace([{ name: "a", when: {}, to: ["nowhere"] }])).toThrow(DistributionError);
    expect(router.version).toBe(version);
    expect(decide(router, "md.trades", event("1")).to).toEqual(["md.large"]);
    router.replace([]);
    expect(router.version).toBeGreaterThan(version);
    expect(router.definitions).toEqual([]);
    expect(decide(router, "md.trades", event("1")).to).toEqual(["md.trades"]);
  });

  test("ask about topics of the service only", () => {
    const router = routerOf([]);
    expect(refusalOf(() => router.select("no.such", "t")).code).toBe("unknown_topic");
    expect(refusalOf(() => router.explain("no.such", encodeEvent(event("1")))).code).toBe("unknown_topic");
  });
});

describe("a destination", () => {
  const type = (name: string) => ({ type: name, class: EventClass.TRADE, description: name, key: "k" });
  const typed = [
    topic("o.all", 1, { eventTypes: [type("o.new.v1"), type("o.done.v1")] }),
    topic("o.done", 1, { eventTypes: [type("o.done.v1")] }),
    topic("o.any"),
  ];

  test.each<readonly [string, Partial<RouteDefinition>]>([
    ["takes what the types say", { when: { topics: ["o.all"], types: ["o.done.v1"] }, to: ["o.all", "o.done"] }],
    ["takes any", { when: {}, to: ["o.any"] }],
    ["is asked of no type that its topics do not take", { when: { topics: ["o.done"], types: [">"] }, to: ["o.done"] }],
    [
      "is not asked of types of a topic that takes any",
      { when: { topics: ["o.any"], types: ["o.*.v1"] }, to: ["o.done"] },
    ],
    ["that is the topic itself is none", { when: { topics: ["o.*"] }, to: [], priority: 3 }],
  ])("%s", (_, route) => {
    expect(() => routerOf([{ name: "r", when: {}, to: [], ...route }], typed)).not.toThrow();
  });

  test.each<readonly [string, RouteDefinition["when"]]>([
    ["by a pattern", { topics: ["o.all"], types: ["o.*.v1"] }],
    ["by none, which is every type", { topics: ["o.all"] }],
    ["by name, from a topic that takes any", { topics: ["o.any"], types: ["o.new.v1"] }],
    [
      "from one of several topics, whatever the filter",
      { topics: ["o.*"], types: ["o.new.v1"], filter: "priority > 1" },
    ],
  ])("that does not take a type which is sent %s is refused, with the type", (_, when) => {
    const error = refusalOf(() => routerOf([{ name: "r", when, to: ["o.all", "o.done"] }], typed));
    expect([error.code, error.errors]).toEqual([
      "invalid_request",
      [
        {
          path: "routes[0].to[1]",
          message: expect.stringMatching(/^Route r sends o.new.v1 to o.done, .*: o.done.v1.$/),
        },
      ],
    ]);
  });
});

describe("what the service tells of its own life", () => {
  const withLife = [...topics, topic("md.distribution", 1, { internal: true })];

  test.each<readonly [string, Partial<RouteDefinition>, string]>([
    ["a destination", { to: ["md.large", "md.distribution"] }, "routes[1].to[1]"],
    ["what is covered", { when: { topics: ["md.trades", "md.distribution"] } }, "routes[1].when.topics[1]"],
  ])("is refused as %s, naming the route", (_, wrong, path) => {
    const good: RouteDefinition = { name: "good", when: {}, to: ["md.large"] };
    const error = refusalOf(() => routerOf([good, { ...good, name: "alerts", ...wrong }], withLife));
    expect([error.code, error.errors[0]!.path]).toEqual(["invalid_request", path]);
    expect(error.message).toContain("Route alerts names md.distribution, on which only the service itself publishes");
  });

  test("stays where it is, whatever a rule covers", () => {
    const router = routerOf([{ name: "all", when: { topics: ["md.*"] }, to: ["md.large"], priority: 9 }], withLife);
    expect(decide(router, "md.distribution", event("1"))).toMatchObject({
      to: ["md.distribution"],
      priority: undefined,
    });
    const everything = routerOf([{ name: "all", when: {}, to: ["md.large"] }], withLife);
    expect(decide(everything, "md.distribution", event("1")).to).toEqual(["md.distribution"]);
    expect(everything.explain("md.distribution", encodeEvent(event("1"))).rules[0]!.because).toBe(
      "topic md.distribution is the service's own, which no rule covers",
    );
  });
});

describe("a wrong definition is refused with its place", () => {
  const good: RouteDefinition = { name: "good", when: {}, to: ["md.large"] };
  test.each<readonly [string, unknown, ErrorCode, string]>([
    ["a name twice", { ...good }, "invalid_request", "routes[1].name"],
    ["the default's name", { ...good, name: "default" }, "invalid_request", "routes[1].name"],
    ["a name in capitals", { ...good, name: "Good" }, "invalid_request", "routes[1].name"],
    ["an unknown destination", { ...good, name: "x", to: ["md.large", "no.such"] }, "unknown_topic", "routes[1].to[1]"],
    [
      "a pattern over no topic",
      { ...good, name: "x", when: { topics: ["fx.*"] } },
      "unknown_topic",
      "routes[1].when.topics[0]",
    ],
    [
      "a pattern that is none",
      { ...good, name: "x", when: { types: ["a..b"] } },
      "invalid_request",
      "routes[1].when.types[0]",
    ],
    ["no keys", { ...good, name: "x", when: { keys: [] } }, "invalid_request", "routes[1].when.keys"],
    [
      "a filter that does not parse",
      { ...good, name: "x", when: { filter: "key ==" } },
      "invalid_filter",
      "routes[1].when.filter",
    ],
    ["a priority of 10", { ...good, name: "x", priority: 10 }, "invalid_request", "routes[1].priority"],
    ["a priority below 0", { ...good, name: "x", priority: -1 }, "invalid_request", "routes[1].priority"],
    ["a region in capitals", { ...good, name: "x", regions: ["EU"] }, "invalid_request", "routes[1].regions[0]"],
    ["a field that is not known", { ...good, name: "x", unknown: 1 }, "invalid_request", "routes[1]"],
  ])("%s", (_, wrong, code, path) => {
    const error = refusalOf(() => routerOf([good, wrong as RouteDefinition]));
    expect(error.code).toBe(code);
    expect(error.errors[0]!.path).toBe(path);
  });

  test("all mistakes at once, and a filter's once however many topics it covers", () => {
    const error = refusalOf(() =>
      routerOf([
        { name: "a", when: { filter: "nonsense(" }, to: ["x"] },
        { name: "a", when: {}, to: [] },
      ]),
    );
    expect(error.errors.map(({ path }) => path)).toEqual([
      "routes[0].to[0]",
      "routes[0].when.filter",
      "routes[1].name",
    ]);
    expect(error.message).toContain("and 2 more");
  });

  test("priorities 0 and 9 are the bounds", () => {
    for (const priority of [0, 9]) {
      expect(decide(routerOf([{ ...good, priority }]), "md.trades", event("1")).priority).toBe(priority);
    }
  });

  test("a defect of the filter language is not taken for the operator's mistake", () => {
    const parseFilter = () => {
      throw new RangeError("defect");
    };
    const routes = [{ ...good, when: { filter: "true" } }];
    expect(() => createRouter({ routes, topics, parseFilter, createMatcher, metrics: createMetrics() })).toThrow(
      RangeError,
    );
  });
});

describe("what is remembered", () => {
  test("is bounded where publishers choose types", async () => {
    const { MAX_CACHED } = await import("../../src/routing/router.ts");
    const router = routerOf([]);
    const first = router.select("md.trades", "t0");
    expect(router.select("md.trades", "t0")).toBe(first);
    for (let index = 1; index < MAX_CACHED; index += 1) router.select("md.trades", `t${index}`);
    expect(router.select("md.trades", "t0")).toBe(first);
    router.select("md.trades", "one-more");
    expect(router.select("md.trades", "t0")).not.toBe(first);
  });

  test("is one decision for all events that the same rules matched", () => {
    const router = routerOf([{ name: "a", when: { keys: ["x"] }, to: ["md.large"] }]);
    const selector = router.select("md.trades", "md.trade");
    const ask = (key: string, id: string) => {
      const bytes = encodeEvent(event(id, { key }));
      return selector.decide(bytes, 0, bytes.length);
    };
    expect(ask("x", "1")).toBe(ask("x", "2"));
    expect(ask("x", "1")).not.toBe(ask("y", "1"));
  });
});
