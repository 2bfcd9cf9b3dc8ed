import { Client } from "./client.ts";
import type { ConnectOptions } from "./options.ts";

/** Begins to connect and comes back at once: subscribe and publish right away, or await `client.ready`. Throws `misuse`. */
export function connect(options: ConnectOptions): Client {
  return new Client(options);
}
