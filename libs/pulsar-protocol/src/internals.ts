/** What producers, consumers and readers have from their client. */
import type { Connection } from "./connection/connection.ts";
import type { Pool } from "./connection/pool.ts";
import type { Reader, ReaderOptions } from "./contract.ts";
import type { ClientSettings } from "./options.ts";

export interface Internals {
  readonly settings: ClientSettings;
  readonly pool: Pool;
  /** Of a producer or consumer, unique in the client: whatever connection it is on, no other has it there. */
  nextId(): number;
  /** A connection to the broker that serves the topic. */
  find(topic: string): Promise<Connection>;
  openReader(options: ReaderOptions): Promise<Reader>;
}

/** Ten letters and digits. */
export const randomName = (): string => Math.random().toString(36).slice(2, 12).padEnd(10, "0");
