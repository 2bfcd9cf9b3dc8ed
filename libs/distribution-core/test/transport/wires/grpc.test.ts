import { describeWireConformance } from "@distribution/testkit/wire";
import { grpcFixture } from "./grpc-fixture.ts";

describeWireConformance(grpcFixture);
