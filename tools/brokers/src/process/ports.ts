/** Ports on loopback that nobody has. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { tryLock } from "./lock.ts";

/**
 * Below the range that systems take the ports of outgoing connections from (Linux: from 32,768): there, a client that connects
 * again and again to a broker that is away would sooner or later get the broker's own port.
 */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 200;
/** One for all checkouts of a user: a file a port, with the id of the process that has it. */
export const LEASES = join(tmpdir(), `brokers-ports-${userInfo().uid}`);

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/**
 * `count` different ports that nobody has. They stay with this process until it ends, also while nothing listens on them: a
 * broker that is stopped or killed gets its ports back, however many processes look for some meanwhile.
 */
export async function freePorts(count: number): Promise<number[]> {
  mkdirSync(LEASES, { recursive: true });
  const ports: number[] = [];
  for (let tries = 0; tries < TRIES && ports.length < count; tries++) {
    const port = randomInt(FIRST, LAST);
    const lease = join(LEASES, String(port));
    // The first try may remove the lease of a process that has ended.
    if ((tryLock(lease) || tryLock(lease)) && (await isFree(port))) ports.push(port);
  }
  if (ports.length < count) throw new RangeError(`No ${count} free ports from ${FIRST} to ${LAST} on 127.0.0.1.`);
  return ports;
}
