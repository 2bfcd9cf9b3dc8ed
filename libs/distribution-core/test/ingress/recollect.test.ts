/** What a look-up finds in the service's own log. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { createMemoryBroker, createSimulatedRuntime } from "@distribution/testkit/simulation";
import { expect, test } from "vitest";
import { encodeEvent, packMessages } from "../../src/events/index.ts";
import { nameOf, recollect } from "../../src/ingress/recollect.ts";
import { topic } from "../ingest/support.ts";
import { createRecorder } from "../tail/support.ts";

test("what is no event of ours is passed over, and what lies around it is found", async () => {
  const runtime = createSimulatedRuntime(1);
  const broker = createMemoryBroker(runtime);
  const into = topic("own.fills", 1);
  const eventOf = (id: string) => encodeEvent(Event.create({ id, source: "/oms", class: EventClass.ORDER }));
  const batch = packMessages([eventOf("a"), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]), eventOf("b")]);
  const wanted = ["a", "b", "c"].map((id) => [nameOf({ source: "/oms", id })]);
  let found: ReadonlySet<number> | undefined;
  const look = async () => {
    await broker.admin.ensureTopic(into);
    await broker.append([{ topic: into.name, partition: 0, batch }]);
    found = await recollect({ broker, topics: [into.name], logger: createRecorder() }, 0n, wanted);
  };
  const looked = look();
  await runtime.run(1_000);
  await looked;
  expect([...(found ?? [])]).toEqual([0, 1]);
});
