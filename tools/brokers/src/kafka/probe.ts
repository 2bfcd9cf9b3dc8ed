/** Whether a Kafka answers: the only sure sign of life, since the system takes connections for a process that hangs. */
import { once } from "node:events";
import { connect } from "node:net";

/** Which versions do you speak (ApiVersions, version 0): size, key 18, version, correlation, no client id. */
export const VERSIONS_REQUEST: Buffer = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);

/** `address` is "127.0.0.1:<port>" of a listener in plain text and without a login. */
export async function isAnswering(address: string, withinMs: number): Promise<boolean> {
  const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
  try {
    socket.write(VERSIONS_REQUEST);
    await once(socket, "data", { signal: AbortSignal.timeout(withinMs) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on("error", () => {}).destroy();
  }
}
