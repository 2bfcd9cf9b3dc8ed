/** Many subscribers in one process, as cheap as Node makes them: they join by a script of bytes, then only count. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createMarkCounter } from "./mark-counter.ts";
import { PROTOCOLS, type Protocol, type Step } from "./protocols.ts";

/** So many connect at a time: less than a listening socket's queue. */
const AT_ONCE = 100;

/** All sockets read into this one: its bytes are counted before the next read. */
export const received = Buffer.alloc(256 * 1024);

/**
 * Resolves when all are subscribed. `onEvents` is told of every event that arrives from then on, summed by read.
 * A lost connection is an uncaught error: it would falsify every figure. Disposing leaves.
 */
export async function connectSubscribers(
  port: number,
  protocol: Protocol,
  count: number,
  onEvents: (events: number) => void,
): Promise<Disposable> {
  const marks = createMarkCounter(count);
  const sockets: Socket[] = [];
  for (let first = 0; first < count; first += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, at) => first + at);
    const joining = ids.map((id) =>
      join(port, PROTOCOLS[protocol], (length) => onEvents(marks.count(id, received, length))),
    );
    sockets.push(...(await Promise.all(joining)));
  }
  return {
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.removeAllListeners("close").destroy();
    },
  };
}

/** One connection, joined; `onBytes` is told how much came into `received` at each read from then on. */
export async function join(port: number, steps: readonly Step[], onBytes: (length: number) => void): Promise<Socket> {
  let deliver = onBytes;
  const onread = {
    buffer: received,
    callback: (length: number): boolean => {
      deliver(length);
      return true;
    },
  };
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, onread });
  socket.on("close", () => {
    throw new Error("a subscriber lost its connection");
  });
  await once(socket, "connect");
  for (const step of steps) {
    await new Promise<void>((resolve) => {
      let text = "";
      deliver = (length) => {
        text += received.toString("latin1", 0, length);
        if (text.includes(step.awaits)) resolve();
      };
      socket.write(step.send);
    });
  }
  deliver = onBytes;
  return socket;
}
