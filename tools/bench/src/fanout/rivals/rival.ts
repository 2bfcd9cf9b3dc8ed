/** What the fan-out bench needs of each server it compares. */
import type { Protocol } from "../protocols.ts";

export interface Rival {
  /** Where subscribers connect, on loopback. */
  readonly port: number;
  /** Hands events to all subscribers; what comes in one call may share writes, where the rival is able to. */
  publish(events: readonly string[]): void;
  /** Ends; subscribers have left before. */
  close(): Promise<void>;
}

export interface RivalDefinition {
  /** As the table shows it. */
  readonly subject: string;
  readonly protocol: Protocol;
  start(): Promise<Rival>;
}
