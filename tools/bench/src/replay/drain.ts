/** A subscriber that reads and does nothing else; a new one for each request, which ends the one before. */
import type { Socket } from "node:net";
import { joinOurs } from "../fanout/protocols.ts";
import { join } from "../fanout/subscribers.ts";
import { type DrainRequest, wishOf } from "./case.ts";

let reader: Socket | undefined;

process.on("message", ({ port, replay }: DrainRequest) => {
  reader?.removeAllListeners("close").destroy();
  void join(port, joinOurs(replay.frames, [wishOf(replay)]), () => undefined).then((joined) => {
    reader = joined;
    process.send?.("joined");
  });
});
process.send?.("ready");
