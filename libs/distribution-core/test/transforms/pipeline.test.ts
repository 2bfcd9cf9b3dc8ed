import { messageOf } from "@distribution/proto-types/descriptors";
import { type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { Position } from "@distribution/proto-types/distribution/v1/frames";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { encodeEvent } from "../../src/events/index.ts";
import {
  convert,
  createPipeline,
  enrich,
  type JsonValue,
  mask,
  omit,
  project,
  rename,
  type Step,
  setKey,
  step,
} from "../../src/transforms/index.ts";
import { MAX_RESULTS } from "../../src/transforms/pipeline.ts";
import { event } from "../ingest/support.ts";

const position = messageOf("distribution.v1.Position");

function json(value: unknown): Event {
  return event("1", { data: Buffer.from(JSON.stringify(value)) });
}

function through(value: unknown, ...steps: Step[]): unknown {
  const [result] = createPipeline({ steps }).apply(json(value));
  return JSON.parse(result!.data!.toString());
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

describe("project", () => {
  test("keeps what lies at the paths, through lists, and nothing else", () => {
    const value = { a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }, { y: 3 }, 4], whole: { z: 1 }, gone: 1 };
    expect(through(value, project(["a.b", "list.x", "whole", "absent.path"]))).toEqual({
      a: { b: 1 },
      list: [{ x: 1 }, {}, 4],
      whole: { z: 1 },
    });
  });

  test("of a path and one below it keeps the whole", () => {
    expect(through({ a: { b: 1, c: 2 } }, project(["a", "a.b"]))).toEqual({ a: { b: 1, c: 2 } });
  });
});

describe("omit and mask", () => {
  test("remove and hide what lies at the paths, through lists", () => {
    const value = { account: "123", owner: { name: "N", tax: 5 }, fills: [{ id: 1, who: "x" }, { id: 2 }] };
    expect(through(value, omit(["owner.tax", "fills.id"]), mask(["account", "fills.who", "absent"]))).toEqual({
      account: "***",
      owner: { name: "N" },
      fills: [{ who: "***" }, {}],
    });
  });
});

describe("rename", () => {
  test("moves members, also into and out of objects, and leaves absent ones absent", () => {
    expect(
      through({ px: "1", in: { qty: 2 }, keep: 0 }, rename({ px: "price", "in.qty": "size.base", no: "never" })),
    ).toEqual({
      in: {},
      keep: 0,
      price: "1",
      size: { base: 2 },
    });
  });

  test("can let two members change places", () => {
    expect(through({ a: 1, b: 2 }, rename({ a: "b", b: "a" }))).toEqual({ a: 2, b: 1 });
  });

  test("treats names of every object's prototype as plain names", () => {
    expect(through({ a: 1 }, rename({ constructor: "x", toString: "y" }))).toEqual({ a: 1 });
    expect(through({ constructor: 1 }, rename({ constructor: "hasOwnProperty" }))).toEqual({ hasOwnProperty: 1 });
  });
});

describe("setKey", () => {
  test("makes the key of values, joined by colons", () => {
    const [result] = createPipeline({ steps: [setKey(["venue", "at.n"])] }).apply(json({ venue: "x", at: { n: 5 } }));
    expect(result!.key).toBe("x:5");
  });

  test("refuses an event without one, at its place", () => {
    const pipeline = createPipeline({ steps: [setKey(["venue", "at.n"])] });
    const error = refusalOf(() => pipeline.apply(json({ venue: "x", at: {} }), "events[4]"));
    expect(error.code).toBe("invalid_event");
    expect(error.errors[0]!.path).toBe("events[4].data.at.n");
    expect(error.message).toContain("Step setKey");
  });
});

describe("enrich", () => {
  const names: Readonly<Record<string, JsonValue>> = { a: { full: "A Inc." } };
  const find = (draft: { readonly event: { readonly key: string } }) => names[draft.event.key];

  test("puts what is known into the payload, and nothing where nothing is", () => {
    const pipeline = createPipeline({ steps: [enrich("ref.issuer", find)] });
    const of = (key: string) => pipeline.apply({ ...json({ x: 1, ref: "old" }), key })[0]!.data!.toString();
    expect(JSON.parse(of("a"))).toEqual({ x: 1, ref: { issuer: { full: "A Inc." } } });
    expect(JSON.parse(of("b"))).toEqual({ x: 1, ref: "old" });
  });
});

describe("convert", () => {
  const value = { topic: "t", partition: 3, epoch: "e", offset: "9" };

  test("makes protobuf of JSON and JSON of protobuf, by the messages given", () => {
    const toProtobuf = createPipeline({ steps: [convert("application/protobuf")], output: position });
    const [binary] = toProtobuf.apply(json(value));
    expect(binary!.contentType).toBe("application/protobuf");
    expect(Position.decode(binary!.data!)).toEqual(value);
    const toJson = createPipeline({ steps: [convert("application/json")], input: position, output: position });
    const [text] = toJson.apply(binary!);
    expect(text!.contentType).toBe("application/json");
    expect(JSON.parse(text!.data!.toString())).toEqual(value);
  });

  test("to protobuf needs a message", () => {
    const error = refusalOf(() => createPipeline({ steps: [convert("application/protobuf")] }).apply(json(value)));
    expect(error.errors[0]!.path).toBe("event.content_type");
  });
});

describe("a pipeline", () => {
  test("changes nothing of what it was given", () => {
    const given = json({ a: { b: 1 } });
    const before = encodeEvent(given);
    createPipeline({ steps: [rename({ "a.b": "c" }), mask(["c"]), setKey(["c"])] }).apply(given);
    expect(encodeEvent(given)).toEqual(before);
  });

  test("gives the same for the same event, whatever the payload", () => {
    const steps = [rename({ a: "b" }), omit(["c"]), mask(["d"])];
    const pipeline = createPipeline({ steps });
    const value = fc.dictionary(fc.constantFrom("a", "b", "c", "d", "toString"), fc.jsonValue({ maxDepth: 2 }));
    fc.assert(
      fc.property(value, (payload) => {
        fc.pre(!JSON.stringify(payload).includes("__proto__"));
        const results = [0, 1].map(() => pipeline.apply(json(payload))[0]!.data!.toString());
        expect(results[0]).toBe(results[1]);
      }),
    );
  });

  test("may leave nothing of an event, or make several", () => {
    const drop = step("drop", () => undefined);
    const split = step("split", (draft) => ["a", "b"].map((key) => ({ ...draft, event: { ...draft.event, key } })));
    expect(createPipeline({ steps: [drop, split] }).apply(json({}))).toEqual([]);
    expect(
      createPipeline({ steps: [split] })
        .apply(json({}))
        .map(({ key }) => key),
    ).toEqual(["a", "b"]);
  });

  test("refuses a step that makes more events than the bound, and takes one that makes as many", () => {
    const many = (count: number) => step("many", (draft) => Array.from({ length: count }, () => draft));
    expect(createPipeline({ steps: [many(MAX_RESULTS)] }).apply(json({}))).toHaveLength(MAX_RESULTS);
    const error = refusalOf(() => createPipeline({ steps: [many(MAX_RESULTS + 1)] }).apply(json({})));
    expect(error.message).toContain("Step many");
  });

  test("names the step that failed, and keeps the cause", () => {
    const defect = new TypeError("x is undefined");
    const bad = step("normalize", () => {
      throw defect;
    });
    const error = refusalOf(() => createPipeline({ steps: [bad] }).apply(json({}), "events[7]"));
    expect(error).toMatchObject({ code: "invalid_event", cause: defect });
    expect(error.errors).toEqual([{ path: "events[7]", message: "Step normalize: x is undefined" }]);
    const thrown = step("odd", () => {
      throw "text";
    });
    expect(refusalOf(() => createPipeline({ steps: [thrown] }).apply(json({}))).message).toContain("Step odd: text");
  });

  test("checks its result: envelope and payload", () => {
    const blank = step("blank", (draft) => ({ ...draft, event: { ...draft.event, type: "" } }));
    const error = refusalOf(() => createPipeline({ steps: [blank] }).apply(json({}), "events[2]"));
    expect(error.errors[0]!.path).toBe("events[2].type");
    const output = createPipeline({ steps: [project(["nope", "topic"])], output: position });
    expect(refusalOf(() => output.apply(json({ nope: 1 }))).errors[0]!.path).toBe("event.data.nope");
    expect(output.apply(json({ topic: "t" }))).toHaveLength(1);
  });

  test("reads protobuf by its message, and refuses what is none", () => {
    const pipeline = createPipeline({ steps: [setKey(["topic"])], input: position, output: position });
    const data = Buffer.from(Position.encode({ topic: "t", partition: 1, epoch: "", offset: "" }).finish());
    const [result] = pipeline.apply(event("1", { contentType: "application/protobuf", data }));
    expect(result!.key).toBe("t");
    expect(Position.decode(result!.data!).partition).toBe(1);
    const bad = event("1", { contentType: "application/protobuf", data: Buffer.from([0x0a, 9]) });
    expect(refusalOf(() => pipeline.apply(bad, "events[0]")).errors[0]!.path).toBe("events[0].data.topic");
  });

  test("lets payloads pass that are neither JSON nor known protobuf, where no step asks for them", () => {
    const tag = step("tag", (draft) => ({ ...draft, event: { ...draft.event, class: EventClass.ALERT } }));
    const data = Buffer.from([1, 2]);
    for (const contentType of ["image/png", "application/protobuf"]) {
      expect(createPipeline({ steps: [tag] }).apply(event("1", { contentType, data }))[0]!.data).toEqual(data);
      for (const verb of [project(["a"]), convert("application/json"), enrich("a", () => 1)]) {
        const error = refusalOf(() => createPipeline({ steps: [verb] }).apply(event("1", { contentType, data })));
        expect(error.errors[0]!.path).toBe("event.content_type");
      }
    }
    expect(createPipeline({ steps: [tag] }).apply(event("1", { data: undefined }))[0]!.data).toBeUndefined();
    const strict = createPipeline({ steps: [tag], output: position });
    expect(refusalOf(() => strict.apply(event("1", { contentType: "image/png", data }))).errors[0]!.path).toBe(
      "event.content_type",
    );
  });

  test.each([
    ["9007199254740991", true],
    ["9007199254740992", true],
    ["9007199254740993", false],
    ["5.070813566192321e-302", true],
    ["-1234567890123456789", false],
    ["0.1234567890123", true],
    ["0.12345678901234567", false],
    ["100000000000000000000", true],
    ["1.50000000000000000000", true],
  ])("takes the number %s: %s", (number, isTaken) => {
    const pipeline = createPipeline({ steps: [omit(["gone"])] });
    const given = event("1", { data: Buffer.from(`{"text":"12345678901234567890","n":${number}}`) });
    if (isTaken) expect(pipeline.apply(given)).toHaveLength(1);
    else expect(refusalOf(() => pipeline.apply(given)).message).toContain("as a string");
  });

  test("is refused without steps, and with two of one name", () => {
    expect(refusalOf(() => createPipeline({ steps: [] })).errors[0]!.path).toBe("steps");
    const error = refusalOf(() => createPipeline({ steps: [mask(["a"]), mask(["b"])] }));
    expect(error.errors[0]!.path).toBe("steps[1].name");
    expect(createPipeline({ steps: [mask(["a"]), mask(["b"], "second")] }).steps).toEqual(["mask", "second"]);
  });

  test.each([
    ["an empty name in a path", () => project(["a..b"]), "project[0]"],
    ["no path", () => mask([]), "mask"],
    ["too many paths", () => omit(Array.from({ length: 257 }, (_, index) => `p${index}`)), "omit"],
    ["a path of 33 names", () => setKey([Array.from({ length: 33 }, () => "a").join(".")]), "setKey[0]"],
    ["a path to __proto__", () => rename({ a: "b.__proto__" }), "rename[0]"],
    ["a step without a name", () => step("", (draft) => draft), "name"],
  ])("%s is refused when the step is made", (_, make, path) => {
    const error = refusalOf(make);
    expect([error.code, error.errors[0]!.path]).toEqual(["invalid_request", path]);
  });

  test("256 paths of 32 names are the bounds", () => {
    const deep = Array.from({ length: 32 }, () => "a").join(".");
    expect(project(Array.from({ length: 256 }, () => deep)).name).toBe("project");
  });
});
