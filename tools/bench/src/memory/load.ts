/** `load.ts <port> ours|ws`: connections that only wait, and connections that stall. */
import type { Socket } from "node:net";
import { joinOurs, PROTOCOLS, type Step } from "../fanout/protocols.ts";
import { join } from "../fanout/subscribers.ts";
import { TRADES } from "../service/trades.ts";
import type { LoadRequest, ServerName } from "./case.ts";

const AT_ONCE = 100;
const [port, name] = process.argv.slice(2);
let connected = 0;

process.on("message", (request: LoadRequest) => {
  void handle(request).then(() => process.send?.("done"));
});
process.send?.("ready");

async function handle(request: LoadRequest): Promise<void> {
  if ("stall" in request) {
    for (let index = 0; index < request.stall; index += 1) (await connectOne(0)).pause();
    return;
  }
  for (let first = 0; first < request.connect; first += AT_ONCE) {
    const now = Math.min(AT_ONCE, request.connect - first);
    await Promise.all(Array.from({ length: now }, () => connectOne(request.filters)));
  }
}

function connectOne(filters: number): Promise<Socket> {
  connected += 1;
  return join(Number(port), stepsOf(filters), () => undefined);
}

function stepsOf(filters: number): readonly Step[] {
  if ((name as ServerName) === "ws") return PROTOCOLS.websocket;
  if (filters === 0) return joinOurs("proto", [{ topics: [TRADES] }]);
  const wishes = Array.from({ length: filters }, (_, index) => ({
    topics: [TRADES],
    filter: `data.symbol == "SYM${index}-USD" && data.trade.price > ${connected}.5`,
  }));
  return joinOurs("proto", wishes);
}
