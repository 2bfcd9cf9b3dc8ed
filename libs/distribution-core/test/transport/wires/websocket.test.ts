import { describeWireConformance } from "@distribution/testkit/wire";
import { websocketFixture } from "./websocket-fixture.ts";

describeWireConformance(websocketFixture("json"));
describeWireConformance(websocketFixture("proto"));
