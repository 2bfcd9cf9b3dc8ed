/** Who is compared, in the order of the table and of a round: who a floor is against is measured beside us. */
import { ours, oursProto } from "./ours.ts";
import type { RivalDefinition } from "./rival.ts";
import { socketio } from "./socketio.ts";
import { tcp } from "./tcp.ts";
import { ws } from "./ws.ts";
import { wsCorked } from "./ws-corked.ts";

export const RIVALS = { socketio, ours, oursProto, tcp, wsCorked, ws } as const satisfies Record<
  string,
  RivalDefinition
>;

export type RivalName = keyof typeof RIVALS;
