/** Who is compared, in the order of the table. */
import { ours, oursProto } from "./ours.ts";
import type { RivalDefinition } from "./rival.ts";
import { socketio } from "./socketio.ts";
import { tcp } from "./tcp.ts";
import { ws } from "./ws.ts";
import { wsCorked } from "./ws-corked.ts";

export const RIVALS = { ours, oursProto, tcp, wsCorked, ws, socketio } as const satisfies Record<
  string,
  RivalDefinition
>;

export type RivalName = keyof typeof RIVALS;
