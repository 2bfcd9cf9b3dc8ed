export { describeWireConformance } from "./conformance.ts";
export type { ClosedWith, ReceivedFrame, RunningWire, WireClient, WireFixture, WireTestLimits } from "./contract.ts";
export { createEchoHost, type EchoHost, type EchoSession } from "./echo-host.ts";
export { clientMessage, numbersOf, readServerFrame, receivedFrame, stateFrame } from "./frames.ts";
