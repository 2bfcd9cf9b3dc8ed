import { describeWireConformance } from "@distribution/testkit/wire";
import { socketIoFixture } from "./socketio-fixture.ts";

describeWireConformance(socketIoFixture("websocket"));
describeWireConformance(socketIoFixture("polling"));
