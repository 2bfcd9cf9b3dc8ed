/**
 * `server.ts <rival>`: one rival in a process of its own. Tells its parent where subscribers connect and where the load
 * drives it from; there, each line is a number of events to publish at once.
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createEvent } from "./event.ts";
import type { RivalName } from "./rivals/index.ts";
import { RIVALS } from "./rivals/index.ts";

/** What the process sends to its parent once it is ready. */
export interface ServerReady {
  readonly port: number;
  readonly drivePort: number;
}

const { port, publish, close } = await RIVALS[process.argv[2] as RivalName].start();
let sequence = 0;

const drive = createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    const count = lines.reduce((sum, line) => sum + Number(line), 0);
    if (count > 0) publish(Array.from({ length: count }, () => createEvent(sequence++)));
  });
}).listen(0, "127.0.0.1");
await once(drive, "listening");

process.once("SIGTERM", () => {
  void close().then(() => process.exit());
});
process.send?.({ port, drivePort: (drive.address() as AddressInfo).port } satisfies ServerReady);
