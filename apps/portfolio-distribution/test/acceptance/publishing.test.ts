/** Given events of upstreams, when they are published over any wire, then what is exact is taken and all else refused by name. */
import { connect } from "@distribution/client";
import { DistributionClient } from "@distribution/proto-types/distribution/v1/distribution";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  attribution,
  breach,
  completion,
  INSTRUMENT,
  mark,
  performance,
  position,
  proposal,
  SOURCE,
  state,
  type Told,
  toEvent,
} from "../support/events.ts";
import { ask, askUntil, logOf, publish, publishProtobuf, type Refused, refusal, tell } from "../support/rest.ts";
import { type RunningService, startService } from "../support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service[Symbol.asyncDispose]());

/** Each test has portfolios of its own. */
const navOf = (portfolio: string, nav: string) =>
  askUntil<{ state?: { nav: string } }>(
    service.ports,
    `/portfolio/${portfolio}/state`,
    ({ body }) => body.state?.nav === nav,
  );

/** The refusal, of which nothing was taken. */
async function refused(...told: readonly Told[]) {
  const before = await logOf(service.ports, told[0]!.topic);
  const { status, code, errors, detail } = await refusal(publish(service.ports, ...told));
  expect(await logOf(service.ports, told[0]!.topic)).toEqual(before);
  return { status, code, path: errors[0]?.path, detail };
}

describe("a state of a portfolio", () => {
  it("is taken over REST in JSON and in protobuf, over WebSocket and over gRPC, and is the same to readers", async () => {
    const { ports } = service;
    await tell(ports, state({ portfolio: "json" }));
    await publishProtobuf(ports, state({ portfolio: "protobuf" }));
    await using client = connect({ url: `http://127.0.0.1:${ports.public}` });
    const { type, id, key, data } = state({ portfolio: "websocket" });
    await client.publish("portfolio.state", { source: SOURCE, type, id, key, data });
    const grpc = new DistributionClient(`127.0.0.1:${ports.grpc}`, credentials.createInsecure());
    const batch = { events: [toEvent(state({ portfolio: "grpc" }))] };
    await new Promise<void>((resolve, reject) => {
      grpc.publish({ topic: "portfolio.state", batch }, (failure) => (failure ? reject(failure) : resolve()));
    });
    grpc.close();
    for (const portfolio of ["json", "protobuf", "websocket", "grpc"]) {
      const { body } = await navOf(portfolio, "100.5");
      expect(body).toMatchObject({ state: { portfolioId: portfolio, cash: "90.25", positionsValue: "10.25" } });
    }
  });

  it("is refused on every wire when nav is not cash and positions, with the path and both numbers", async () => {
    const wrong = state({ portfolio: "wrong" }, { nav: "100.50000001" });
    const told = "It is 100.50000001; cash + positions_value is 100.5.";
    expect(await refused(state({ portfolio: "wrong" }), wrong)).toEqual({
      ...{ status: 400, code: "invalid_event", path: "events[1].data.state.nav" },
      detail: `data.state.nav: ${told}`,
    });
    expect(await refusal(publishProtobuf(service.ports, wrong))).toMatchObject({
      ...{ status: 400, code: "invalid_event" },
      errors: [{ path: "events[0].data.state.nav", message: told }],
    });
    await using client = connect({ url: `http://127.0.0.1:${service.ports.public}` });
    const { type, id, key, data } = wrong;
    await expect(client.publish("portfolio.state", { source: SOURCE, type, id, key, data })).rejects.toMatchObject({
      code: "invalid_event",
    });
    expect((await ask(service.ports, "/portfolio/wrong/state")).status).toBe(404);
  });

  it("is refused when it is told for an earlier time than the one before it, in the log or in the same batch", async () => {
    await tell(service.ports, state({ portfolio: "back", seconds: 10 }));
    const [earlier, same] = [9, 10].map((seconds) => state({ portfolio: "back", seconds }));
    expect(await refused(earlier!)).toMatchObject({
      status: 409,
      code: "illegal_transition",
      path: "events[0].data.as_of",
    });
    expect(await refused(state({ portfolio: "back", seconds: 11 }), same!)).toMatchObject({
      status: 409,
      code: "illegal_transition",
      path: "events[1].data.as_of",
    });
    expect(await publish(service.ports, same!)).toMatchObject({ duplicates: 0 });
  });

  it("that comes again is known, and with another body refused", async () => {
    const told = state({ portfolio: "again", id: "again-1" });
    const first = await publish(service.ports, told);
    expect(await publish(service.ports, told)).toEqual({ ...first, duplicates: 1 });
    // Also when time has gone on: it is no second event that would go back.
    await tell(service.ports, state({ portfolio: "again", seconds: 5 }));
    expect(await publish(service.ports, told)).toMatchObject({ duplicates: 1 });
    const other = state({ portfolio: "again", id: "again-1", seconds: 9 });
    expect(await refused(other)).toMatchObject({ status: 409, code: "event_conflict" });
  });
});

describe("a position", () => {
  const about = (portfolio: string, seconds = 0) => ({ portfolio, seconds });

  it("follows its fills and prices, and nothing else", async () => {
    const portfolio = "fills";
    await tell(
      service.ports,
      position(about(portfolio), { quantity: "10", price: "1.5", value: "15", executionId: "e-1" }),
      mark(about(portfolio, 1), { quantity: "10", price: "1.6", value: "16" }),
      position(about(portfolio, 2), { quantity: "-2.5", price: "1.6", value: "-4", executionId: "e-2" }),
    );
    const grown = { quantity: "-3", price: "1.6", value: "-4.8" };
    expect(await refused(mark(about(portfolio, 3), grown))).toMatchObject({
      status: 409,
      code: "illegal_transition",
      path: "events[0].data.position.execution_id",
      detail: expect.stringContaining(`${portfolio}'s position in ${INSTRUMENT} is -2.5, and this says -3`),
    });
    expect(await refused(position(about(portfolio, 3), { ...grown, executionId: "e-1" }))).toMatchObject({
      status: 409,
      code: "illegal_transition",
      path: "events[0].data.position.execution_id",
    });
    expect(
      await refused(position(about(portfolio, 3), { ...grown, value: "-4.80001", executionId: "e-3" })),
    ).toMatchObject({ status: 400, code: "invalid_event", path: "events[0].data.position.value" });
  });

  it("is not changed twice by one execution, whichever of many publishers is first", async () => {
    const fill = (number: number) =>
      position(about("race", number), { quantity: "10", price: "1", value: "10", executionId: "e-1" });
    const answers = await Promise.allSettled([1, 2, 3, 4, 5].map((number) => publish(service.ports, fill(number))));
    const refused = answers.filter((answer) => answer.status === "rejected");
    expect(refused.map(({ reason }) => (reason as Refused).status)).toEqual([409, 409, 409, 409]);
  });
});

describe("other events", () => {
  it("are refused where they are wrong by themselves", async () => {
    const cases: readonly (readonly [Told, string])[] = [
      [performance({ portfolio: "p" }, { periodReturn: "0.1234567890123" }), "data.performance.period_return"],
      [performance({ key: "p/week", portfolio: "p" }), "key"],
      [attribution({ portfolio: "p" }, { period: "PERIOD_UNSPECIFIED" }), "data.attribution.period"],
      [breach({ portfolio: "p" }, { limit: "" }), "data.breach.limit"],
      [proposal({ portfolio: "p" }, { rebalanceId: "a b" }), "data.proposal.rebalance_id"],
      [position({ portfolio: "p" }, { instrument: "TEC04" }), "data.position.instrument"],
      // By the schema, before any rule:
      [state({ portfolio: "p" }, { nav: "12,50" }), "data.state.nav"],
      [{ ...state({ portfolio: "p" }), data: performance().data }, "data.state"],
      [{ ...state({ portfolio: "p" }), type: "portfolio.unheard-of.v1" }, "type"],
    ];
    for (const [told, path] of cases) {
      expect(await refused(told), path).toMatchObject({
        status: 400,
        code: "invalid_event",
        path: `events[0].${path}`,
      });
    }
  });

  it("are refused where they do not follow", async () => {
    await tell(
      service.ports,
      performance({ portfolio: "f", seconds: 5 }),
      breach({ portfolio: "f", seconds: 5 }),
      proposal({ portfolio: "f", seconds: 5 }, { rebalanceId: "f-1" }),
    );
    const cases: readonly (readonly [Told, string])[] = [
      [performance({ portfolio: "f", seconds: 4 }), "data.as_of"],
      [breach({ portfolio: "f", seconds: 4 }), "data.as_of"],
      [proposal({ portfolio: "f", seconds: 6 }, { rebalanceId: "f-1" }), "type"],
      [completion({ portfolio: "f", seconds: 4 }, "f-1"), "data.as_of"],
      [completion({ portfolio: "g", seconds: 6 }, "f-1"), "data.portfolio_id"],
      [completion({ portfolio: "f", seconds: 6 }, "f-2"), "type"],
    ];
    for (const [told, path] of cases) {
      expect(await refused(told), path).toMatchObject({
        status: 409,
        code: "illegal_transition",
        path: `events[0].${path}`,
      });
    }
    // Other keys have times of their own.
    const fine = [
      performance({ portfolio: "f", seconds: 4 }, { period: "PERIOD_WEEK" }),
      attribution({ portfolio: "f", seconds: 4 }),
      breach({ portfolio: "f", seconds: 4 }, { kind: "LIMIT_KIND_GROSS_EXPOSURE" }),
      completion({ portfolio: "f", seconds: 6 }, "f-1"),
    ];
    await tell(service.ports, ...fine);
    expect(await refused(completion({ portfolio: "f", seconds: 7 }, "f-1"))).toMatchObject({
      status: 409,
      code: "illegal_transition",
    });
  });
});
