import { type Attribute, Event } from "@distribution/proto-types/distribution/v1/event";
import { eventArbitrary } from "@distribution/testkit/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHttpBinary, toHttpBinary } from "../../src/events/index.ts";
import { errorOf } from "./errors.ts";

const REQUIRED = { "ce-specversion": "1.0", "ce-id": "i", "ce-source": "s", "ce-type": "t" };

/** HTTP knows text only. */
function asText(event: Event): Event {
  const extensions = Object.entries(event.extensions).map(([name, { value }]): [string, Attribute] => [
    name,
    { value: { $case: "text", value: String(value?.value) } },
  ]);
  return { ...event, extensions: Object.fromEntries(extensions) };
}

describe("an event over HTTP in binary mode", () => {
  it("comes back as it was, but for the type of extensions", () => {
    fc.assert(
      fc.property(eventArbitrary(), (event) => {
        const { headers, body } = toHttpBinary(event);
        for (const value of Object.values(headers)) expect(value).toMatch(/^[ -~]*$/);
        expect(fromHttpBinary(headers, body)).toEqual(asText(event));
      }),
      { numRuns: 300 },
    );
  });

  it("encodes as the HTTP binding of CloudEvents does", () => {
    const event = Event.create({
      id: 'Euro € "5%" 😀',
      source: "/a?b=c&d#e",
      type: "t",
      contentType: "text/plain",
      key: "~!",
    });
    expect(toHttpBinary(event)).toEqual({
      headers: {
        "ce-specversion": "1.0",
        "ce-id": "Euro%20%E2%82%AC%20%225%25%22%20%F0%9F%98%80",
        "ce-source": "/a?b=c&d#e",
        "ce-type": "t",
        "ce-partitionkey": "~!",
        "content-type": "text/plain",
      },
      body: undefined,
    });
  });

  it("takes what other senders write", () => {
    const headers = {
      ...REQUIRED,
      "ce-id": '"a \\"b\\" %41"',
      "ce-priority": "7",
      "ce-note": "",
      host: "x",
      "ce-none": undefined,
    };
    const event = fromHttpBinary({ ...headers, "content-type": "application/json" }, Buffer.from("{}"));
    expect(event).toMatchObject({
      id: 'a "b" A',
      priority: 7,
      contentType: "application/json",
      data: Buffer.from("{}"),
    });
    expect(event.extensions).toEqual({ note: { value: { $case: "text", value: "" } } });
  });

  it("tells no body from an empty one", () => {
    expect(fromHttpBinary(REQUIRED, undefined).data).toBeUndefined();
    expect(fromHttpBinary(REQUIRED, new Uint8Array(0)).data).toHaveLength(0);
  });

  it.each([
    ["no version", { "ce-specversion": undefined }, ".specversion"],
    ["another version", { "ce-specversion": "0.3" }, ".specversion"],
    ["no id", { "ce-id": undefined }, ".id"],
    ["a header that came twice", { "ce-id": ["a", "b"] }, ".id"],
    ["the content type as an attribute", { "ce-datacontenttype": "text/plain" }, ".datacontenttype"],
    ["data as an attribute", { "ce-data": "x" }, '["data"]'],
    ["a foreign extension name", { "ce-a-b": "x" }, '["a-b"]'],
    ["half a percent sign", { "ce-subject": "%4" }, ".subject"],
    ["percent-encoded bytes that are not UTF-8", { "ce-subject": "%FF" }, ".subject"],
    ["raw bytes beyond ASCII", { "ce-subject": "\u00e9" }, ".subject"],
    ["an encoded line break", { "ce-subject": "a%0Ab" }, ".subject"],
    ["a priority that is no number", { "ce-priority": "high" }, ".priority"],
    ["a priority over 9", { "ce-priority": "10" }, ".priority"],
    ["a time that is none", { "ce-time": "now" }, ".time"],
    ["an empty content type", { "content-type": "" }, ".datacontenttype"],
  ])("refuses %s, at its path", (_, headers, path) => {
    expect(errorOf(() => fromHttpBinary({ ...REQUIRED, ...headers }, undefined, 2)).at).toBe(
      `invalid_event events[2]${path}`,
    );
  });
});
