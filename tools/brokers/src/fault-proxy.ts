/** A TCP proxy on loopback that stands between a client and a broker and does what networks do. */
import { once } from "node:events";
import { createServer, connect as openSocket, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "./process/ports.ts";

export interface FaultProxyOptions {
  /** Where connections go, a port on 127.0.0.1; may come later, by `forwardTo`. Until then they are reset. */
  readonly target?: number;
  /** Default a free one. */
  readonly port?: number;
}

export interface FaultProxy {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  /** Connections that clients opened so far. */
  readonly accepted: number;
  /** Connections that are open now. */
  readonly open: number;
  forwardTo(target: number): void;
  /** Resets every open connection; new ones are served. */
  cut(): void;
  /** New connections are refused, as if nothing listened. Open ones stay; `cut` ends them. */
  refuse(): void;
  /** Ends `refuse`. */
  accept(): Promise<void>;
  /** No byte passes, either way; connections stay open and new ones are taken. */
  stall(): void;
  /** Ends `stall`: what was held back passes. */
  flow(): void;
  /** At most so many bytes a second, per connection and direction; `Infinity` ends it. */
  slow(bytesPerSecond: number): void;
  /**
   * Drops what the target sends on one connection for the next `reads` reads, then resets that connection: the request was
   * carried out, and its answer is lost. Resolves then. The connection is the first that asks what `answerTo` accepts, default
   * anything; it is given what the client sends as it is read, which is the start of a request unless that is a large one.
   */
  swallow(reads: number, answerTo?: (request: Buffer) => boolean): Promise<void>;
  /** Resets all and stops. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
}

interface Swallowing {
  left: number;
  link: Link | undefined;
  readonly answerTo: (request: Buffer) => boolean;
  readonly done: () => void;
}

/** A slow connection is fed so often. */
const PIECES_A_SECOND = 50;

export async function createFaultProxy(options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const port = options.port ?? (await freePorts(1))[0]!;
  const links = new Set<Link>();
  let target = options.target;
  let accepted = 0;
  let server: Server | undefined;
  let rate = Number.POSITIVE_INFINITY;
  let stalled: PromiseWithResolvers<void> | undefined;
  let swallowing: Swallowing | undefined;

  const reset = (link: Link): void => {
    links.delete(link);
    link.client.resetAndDestroy();
    link.upstream.resetAndDestroy();
  };

  const isSwallowed = (link: Link): boolean => {
    if (!swallowing || swallowing.link !== link) return false;
    swallowing.left--;
    if (swallowing.left > 0) return true;
    reset(link);
    swallowing.done();
    swallowing = undefined;
    return true;
  };

  /** Carries what `from` sends until it ends; a failure of either side ends both. */
  const carry = async (link: Link, from: Socket, to: Socket): Promise<void> => {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (from === link.client) {
          if (swallowing && !swallowing.link && swallowing.answerTo(chunk)) swallowing.link = link;
        } else if (isSwallowed(link)) {
          continue;
        }
        for (let at = 0; at < chunk.length; ) {
          while (stalled) await stalled.promise;
          if (to.destroyed) return;
          const piece = chunk.subarray(at, at + Math.max(1, rate / PIECES_A_SECOND));
          at += piece.length;
          if (!to.write(piece) && !to.destroyed) await Promise.race([once(to, "drain"), once(to, "close")]);
          if (rate !== Number.POSITIVE_INFINITY) await delay((piece.length / rate) * 1000);
        }
      }
      while (stalled) await stalled.promise;
      to.end();
    } catch {
      reset(link);
    }
  };

  const serve = (client: Socket): void => {
    accepted++;
    client.on("error", () => {});
    if (target === undefined) return void client.resetAndDestroy();
    const upstream = openSocket({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    upstream.on("error", () => {});
    const link = { client, upstream };
    links.add(link);
    client.once("close", () => links.delete(link));
    void carry(link, client, upstream);
    void carry(link, upstream, client);
  };

  const accept = async (): Promise<void> => {
    if (server) return;
    server = createServer({ allowHalfOpen: true, noDelay: true }, serve).listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const refuse = (): void => {
    server?.close();
    server = undefined;
  };
  const cut = (): void => {
    for (const link of links) reset(link);
  };
  const flow = (): void => {
    const held = stalled;
    stalled = undefined;
    held?.resolve();
  };
  const close = async (): Promise<void> => {
    const closed = server && once(server, "close");
    refuse();
    cut();
    flow();
    await closed;
  };
  await accept();
  return {
    port,
    get accepted() {
      return accepted;
    },
    get open() {
      return links.size;
    },
    forwardTo(port) {
      target = port;
    },
    cut,
    refuse,
    accept,
    stall() {
      stalled ??= Promise.withResolvers<void>();
    },
    flow,
    slow(bytesPerSecond) {
      if (!(bytesPerSecond > 0)) throw new RangeError(`slow takes a number of bytes above 0, not ${bytesPerSecond}.`);
      rate = bytesPerSecond;
    },
    swallow(reads, answerTo = () => true) {
      const { promise, resolve } = Promise.withResolvers<void>();
      swallowing = { left: reads, link: undefined, answerTo, done: resolve };
      return promise;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
