/** What publishes claim, and what is refused where what they rest on is not known. */
import { describe, expect, it } from "vitest";
import { fieldError } from "../../src/errors.ts";
import { closed, createDoors, opened, orders, turns } from "./doors.ts";
import { createStoppedRuntime, Disk, event, idsIn, open, publisher, refusal, topic } from "./support.ts";

const sent = Array.from({ length: 20 }, (_, at) => String(at + 1));

describe("claims", () => {
  it("pass from one publish to the next in the order in which they came, and wake nobody else", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { ingest, publish } = await open({ broker, topics: [orders] });
    const doors = createDoors();
    let tries = 0;
    let read = 0;
    const lack = () => {
      tries += 1;
      return undefined;
    };
    const decode = () => {
      read += 1;
      return "";
    };
    ingest.govern({ ...doors.rule, payload: { decode }, by: [{ ...doors.model, lack }], next: () => "any" });
    const publishes = sent.map((id) => publish([opened(id)], orders.name, publisher(id)));
    for (const publishing of publishes) {
      await publishing;
      doors.see("front", "any");
      await turns();
    }
    expect(await idsIn(broker, orders.name)).toEqual(sent);
    // The first is tried once, the others when they came and when it was their turn.
    expect([tries, read]).toEqual([2 * sent.length - 1, sent.length]);
  });

  it("of several names are had all at once: whoever has one of them never waits for one who waits for it", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { ingest, publish } = await open({ broker, topics: [orders] });
    const doors = createDoors();
    ingest.govern({ ...doors.rule, next: () => "any" });
    const [a, b] = [opened("1", "a"), opened("2", "b")];
    await publish([event("0", { key: "a" }), event("00", { key: "b" })]);
    const first = publish([a, b], orders.name, publisher("first"));
    const second = publish([opened("3", "b"), opened("4", "a")], orders.name, publisher("second"));
    const third = publish([opened("5", "a")], orders.name, publisher("third"));
    for (const publishing of [first, second, third]) {
      doors.see("a", "any");
      await publishing;
    }
    expect(await idsIn(broker, orders.name)).toEqual(["0", "00", "1", "2", "3", "4", "5"]);
  });

  it("of none are for a rule without a state: its events of one key wait for nothing", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const { ingest, publish } = await open({ broker, topics: [orders] });
    const { current: _, ...rule } = createDoors().rule;
    ingest.govern(rule);
    for (const id of sent) await publish([opened(id)], orders.name, publisher(id));
    expect(await idsIn(broker, orders.name)).toEqual(sent);
  });

  it("hold what is one event's alone, whatever its key, within a publish and of topics that share the name", async () => {
    await using disk = new Disk();
    const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders, topic("md.locks")] });
    const doors = createDoors();
    for (const name of [orders.name, "md.locks"]) {
      ingest.govern<string, string>({
        ...{ topic: name, payload: doors.rule.payload, by: [doors.model], current: () => undefined },
        claims: ({ envelope: { subject } }) => [`lock ${subject}`],
        next(taken, { envelope: { subject } }) {
          if (taken) throw fieldError("event_conflict", "subject", `Lock ${subject} is taken.`);
          return "taken";
        },
      });
    }
    const lock = (id: string, key: string) => event(id, { key, subject: "the-one" });
    await refusal(publish([lock("1", "a"), lock("2", "b")]), "event_conflict", "events[1].subject");
    await publish([lock("3", "a")]);
    let settled = false;
    const other = publish([lock("4", "b")], "md.locks", publisher("another")).then(() => {
      settled = true;
    });
    await turns();
    expect(settled).toBe(false);
    doors.see("a", "taken");
    await other;
  });

  it("of a publish that gave up are the next one's, and not before they are free", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const fires: (() => void)[] = [];
    const runtime = createStoppedRuntime();
    const after = (_ms: number, fire: () => void) => {
      fires.push(fire);
      return { cancel: () => undefined };
    };
    const { ingest, publish } = await open({
      ...{ broker, topics: [orders] },
      runtime: { ...runtime, timers: { ...runtime.timers, after } },
    });
    const doors = createDoors();
    ingest.govern(doors.rule);
    await publish([opened("1")]);
    const second = publish([closed("2")], orders.name, publisher("second"));
    const third = publish([closed("3")], orders.name, publisher("third"));
    const fourth = publish([opened("4")], orders.name, publisher("fourth"));
    await turns();
    fires[1]!();
    await refusal(third, "unavailable");
    await turns();
    expect(await idsIn(broker, orders.name)).toEqual(["1"]);
    doors.see("front", "open");
    await second;
    doors.see("front", "closed");
    await fourth;
    expect(await idsIn(broker, orders.name)).toEqual(["1", "2", "4"]);
  });

  it("that are stuck make nobody wait longer for being one of many publishes of a subject", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const waits: { readonly ms: number; readonly fire: () => void }[] = [];
    const runtime = createStoppedRuntime();
    const after = (ms: number, fire: () => void) => {
      waits.push({ ms, fire });
      return { cancel: () => undefined };
    };
    const { ingest, publish } = await open({
      ...{ broker, topics: [orders, topic("md.locks")] },
      runtime: { ...runtime, timers: { ...runtime.timers, after } },
    });
    const claims = () => ["the-one"];
    ingest.govern({ ...createDoors().rule, topic: "md.locks", claims });
    ingest.govern({ ...createDoors().rule, claims });
    await publish([opened("1")], "md.locks");
    const outcomes = ["2", "3", "4"].map((id) => refusal(publish([opened(id)]), "unavailable"));
    await turns();
    expect(waits.map(({ ms }) => ms)).toEqual([5_000]);
    runtime.advance(5_000);
    for (const at of outcomes.keys()) {
      waits[at]!.fire();
      await turns();
    }
    expect(waits.map(({ ms }) => ms)).toEqual([5_000, 0, 0]);
    await Promise.all(outcomes);
    expect(await idsIn(broker, orders.name)).toEqual([]);
  });

  it("are asked for anew when an event that was a repeat has been forgotten while its publish waited", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const runtime = createStoppedRuntime();
    const { ingest, publish } = await open({ broker, topics: [orders], runtime, bounds: { windowMs: 1_000 } });
    const doors = createDoors();
    const seen: (() => void)[] = [];
    const reached = () => new Promise<void>((resolve) => seen.push(resolve));
    ingest.govern({ ...doors.rule, by: [{ ...doors.model, reached }], next: () => "any" });
    await publish([opened("1", "a")]);
    seen[0]!();
    await publish([opened("2", "b")]);
    const waiting = publish([opened("1", "a"), opened("3", "b")], orders.name, publisher("another"));
    await publish([opened("4", "a")], orders.name, publisher("third"));
    runtime.advance(2_000);
    seen[1]!();
    await turns();
    expect(await idsIn(broker, orders.name)).toEqual(["1", "2", "4"]);
    seen[2]!();
    await waiting;
    expect(await idsIn(broker, orders.name)).toEqual(["1", "2", "4", "1", "3"]);
  });

  it("are those of each topic's rule also when what was read before is of other events than the last time", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const runtime = createStoppedRuntime();
    const routes = [{ name: "copies", when: { filter: 'id == "3"' }, to: [orders.name, "md.alerts"] }];
    const { ingest, publish } = await open({
      ...{ broker, topics: [orders, topic("md.alerts")], routes, runtime, bounds: { windowMs: 1_000 } },
    });
    const doors = createDoors();
    ingest.govern(doors.rule);
    ingest.govern({ ...{ topic: "md.alerts", payload: doors.rule.payload, by: [] }, next: () => undefined });
    await publish([opened("1", "a")]);
    doors.see("a", "closed");
    await publish([opened("2", "b")]);
    // Read: the copies of 3 alone, as 1 is a repeat. It is none any more when they are judged.
    const waiting = publish([opened("1", "a"), opened("3", "b")], orders.name, publisher("another"));
    await turns();
    runtime.advance(2_000);
    doors.see("b", "open");
    await refusal(waiting, "illegal_transition");
    expect(await idsIn(broker, orders.name)).toEqual(["1", "2"]);
  });
});

describe("where a projection does not follow the log", () => {
  it("a publish that rests on it is refused at once, with partition and projection; others and repeats are taken", async () => {
    await using disk = new Disk();
    const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders, topic("md.other")] });
    const doors = createDoors();
    ingest.govern(doors.rule);
    const [position] = (await publish([opened("1")])).positions;
    doors.lose("projection doors cannot read md.orders/0: Damaged at 1.");
    const refused = await refusal(publish([closed("2")]), "unavailable");
    expect([refused.message, refused.retryAfterMs]).toEqual([
      "md.orders/0 takes nothing that follows on what it holds: projection doors cannot read md.orders/0: Damaged at 1. Send the batch again.",
      1_000,
    ]);
    await publish([event("3")], "md.other");
    expect((await publish([opened("1")])).positions).toEqual([position]);
    doors.lose(undefined);
    doors.see("front", "open");
    await publish([closed("2")]);
  });

  it("a rule that looks at more than its own partition refuses for what is lacking there", async () => {
    await using disk = new Disk();
    const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders] });
    const [doors, houses] = [createDoors(), createDoors()];
    ingest.govern({ ...doors.rule, beside: [houses.model] });
    houses.lose("projection houses is being built from the log");
    const refused = await refusal(publish([opened("1")]), "unavailable");
    expect(refused.message).toContain("projection houses is being built");
  });

  it("so many publishes of a partition are taken and no more, and none of them is forgotten", async () => {
    await using disk = new Disk();
    const broker = await disk.open();
    const bounds = { unseenPublishes: 3 };
    const { ingest, publish } = await open({ broker, topics: [topic(orders.name, 2)], bounds });
    const doors = createDoors();
    ingest.govern(doors.rule);
    const keys = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"];
    const taken: string[] = [];
    const refused: string[] = [];
    for (const key of keys) {
      await publish([opened(key, key)]).then(
        () => taken.push(key),
        ({ message }: Error) => refused.push(message),
      );
    }
    const counts = await Promise.all([0, 1].map(async (at) => (await idsIn(broker, orders.name, at)).length));
    expect(Math.max(...counts)).toBe(3);
    expect(taken.length + refused.length).toBe(keys.length);
    expect(refused[0]).toContain("3 publishes are not in projection doors yet");
    await turns();
    for (const key of taken) doors.see(key, "open");
    await turns();
    await refusal(publish([opened("again", taken[0])]), "illegal_transition");
    await publish([opened("more", "a9"), opened("most", "a10")]);
  });

  it("nothing is taken any more of a partition that has not come on for 5 seconds, until it does", async () => {
    await using disk = new Disk();
    const runtime = createStoppedRuntime();
    const { ingest, publish } = await open({ broker: await disk.open(), topics: [orders], runtime });
    const doors = createDoors();
    ingest.govern(doors.rule);
    await publish([opened("1")]);
    runtime.advance(5_000);
    await publish([opened("2", "back")]);
    runtime.advance(1);
    const refused = await refusal(publish([opened("3", "side")]), "unavailable");
    expect(refused.message).toContain("for 5000 ms nothing of it has come to projection doors");
    doors.see("front", "open");
    await turns();
    await publish([opened("3", "side")]);
  });

  it("a partition that stands still is no reason to refuse what goes to another, also after a publish to both", async () => {
    await using disk = new Disk();
    const runtime = createStoppedRuntime();
    const { ingest, publish } = await open({
      ...{ broker: await disk.open(), topics: [topic(orders.name, 2)], runtime },
    });
    const doors = createDoors();
    const reached = ({ partition }: { partition: number }) =>
      partition === 0 ? new Promise<void>(() => undefined) : Promise.resolve();
    ingest.govern({ ...doors.rule, by: [{ ...doors.model, reached }], next: () => "any" });
    const { positions } = await publish(sent.map((id) => opened(id, `k${id}`)));
    expect([...new Set(positions.map(({ partition }) => partition))].sort()).toEqual([0, 1]);
    await turns();
    runtime.advance(6_000);
    const outcomes = await Promise.allSettled(
      sent.map((id) => publish([opened(`new-${id}`, `n${id}`)], orders.name, publisher(id))),
    );
    const taken = outcomes.flatMap((each) => (each.status === "fulfilled" ? each.value.positions : []));
    expect(taken.length).toBeGreaterThan(0);
    expect(new Set(taken.map(({ partition }) => partition))).toEqual(new Set([1]));
  });
});
