/** Every law on a real Pulsar, in both forms of records, by the producers' clocks and by the broker's. */
import { describe } from "vitest";
import { describePulsarConformance } from "./support/conformance.ts";

const BROKER_CLOCK = {
  brokerEntryMetadataInterceptors: "org.apache.pulsar.common.intercept.AppendBrokerTimestampMetadataInterceptor",
  exposingBrokerEntryMetadataToClientEnabled: true,
};

describe.each([
  { how: "packed, by the producers' clocks", form: "packed", properties: {} },
  { how: "as CloudEvents, by the broker's clock", form: "cloudevents", properties: BROKER_CLOCK },
] as const)("$how:", ({ form, properties }) => {
  describePulsarConformance({ properties, options: { recordsOf: () => form }, quietMs: 300 });
});
