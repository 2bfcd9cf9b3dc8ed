import { describeWireConformance } from "@distribution/testkit/wire";
import { sseFixture } from "./sse-fixture.ts";

describeWireConformance(sseFixture);
