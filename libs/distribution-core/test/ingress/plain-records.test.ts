import { messageOf } from "@distribution/proto-types/descriptors";
import { NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { describe, expect, test } from "vitest";
import type { ForeignRecord } from "../../src/brokers/contract.ts";
import { type PlainRecords, plainRecords } from "../../src/ingress/index.ts";

const PLACE = { topic: "OMS_fills", partition: 3 };
const JSON_RECORDS: PlainRecords = { type: "t.v1", source: "/oms", contentType: "application/json" };

const recordOf = (value: string | Uint8Array | undefined, key?: string): ForeignRecord => ({
  ...{ epoch: "e", offset: "42", headers: [], time: 5n },
  key: key === undefined ? undefined : Buffer.from(key),
  value: typeof value === "string" ? Buffer.from(value) : value,
  events: () => {
    throw new Error("not asked for");
  },
});

describe("plain records", () => {
  test("take id and time from where the record lies, and the key from the record", () => {
    const event = plainRecords(JSON_RECORDS)(recordOf("[1]", "k1"), PLACE);
    expect(event).toMatchObject({ type: "t.v1", source: "/oms", id: "OMS_fills/3/e/42", key: "k1", time: 5n });
    expect(Buffer.from(event.data!).toString()).toBe("[1]");
  });

  test("take id and key from paths of a JSON payload", () => {
    const mapping = plainRecords({ ...JSON_RECORDS, id: "fill.id", key: "account" });
    const event = mapping(recordOf('{"fill":{"id":9007199254740991},"account":"a-1"}', "ignored"), PLACE);
    expect(event).toMatchObject({ id: "9007199254740991", key: "a-1" });
  });

  test("take id and key from paths of a protobuf payload", () => {
    const message = messageOf("market_data.v1.NormalizedMarketDataEvent");
    const value = NormalizedMarketDataEvent.encode(
      NormalizedMarketDataEvent.fromPartial({ venue: "v", symbol: "s", instrument: "v:s" }),
    ).finish();
    const mapping = plainRecords({ ...JSON_RECORDS, contentType: "application/protobuf", message, key: "instrument" });
    expect(mapping(recordOf(value), PLACE)).toMatchObject({ key: "v:s", contentType: "application/protobuf" });
  });

  test.each([
    ["no value", undefined, /no.*payload|none/],
    ["a path that is not there", '{"other":1}', /value\.fill\.id.*missing/],
    ["a number that lost digits", '{"fill":{"id":9007199254740993}}', /whole number/],
    ["an empty id", '{"fill":{"id":""}}', /needs text/],
    ["a path through a prototype", '{"fill":[]}', /missing/],
    ["no JSON", "{", /value/],
    ["no UTF-8", Buffer.of(0x22, 0xff, 0x22), /./],
  ])("refuse %s", (_what, value, reason) => {
    const mapping = plainRecords({ ...JSON_RECORDS, id: "fill.id" });
    expect(() => mapping(recordOf(value), PLACE)).toThrow(reason);
  });
});
