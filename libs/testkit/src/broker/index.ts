/** The laws of the Broker contract as tests, for every broker on the real thing. */
export { describeBrokerConformance } from "./conformance.ts";
export { startWithPython } from "./engine-and-python.ts";
export { describeInterop, type ForeignRead, type ForeignWrite, type InteropOptions } from "./interop.ts";
export type { BrokerFactory, BrokerUnderTest, ConformanceOptions } from "./law-context.ts";
export { breakBy, type ConnectionFault, type DoubtfulBroker, describeAppendOutcomes } from "./outcome-laws.ts";
export {
  type BatchEvent,
  batchOf,
  bytesOf,
  eventsOf,
  idsOf,
  logOf,
  positionAt,
  positionsOf,
  type ReadEvent,
  readEvents,
  type TakenEvent,
  takeEvents,
  takenOf,
  within,
} from "./support.ts";
