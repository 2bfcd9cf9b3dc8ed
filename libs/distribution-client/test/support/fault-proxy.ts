/** A TCP proxy between client and service, to break what lies between them. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** Connections taken so far. */
  readonly taken: number;
  /** Resets every connection, without a close frame. */
  cut(): void;
  /** New connections are reset at once while true. */
  refuse(refuse: boolean): void;
  /** Connections stay open and carry nothing any more, in either direction; new ones are not affected. */
  freeze(): void;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const port = Number(new URL(target).port);
  const pairs = new Set<readonly [Socket, Socket]>();
  let refusing = false;
  let taken = 0;
  const server = createServer((near) => {
    near.on("error", () => undefined);
    if (refusing) {
      near.resetAndDestroy();
      return;
    }
    taken += 1;
    const far = connect(port, "127.0.0.1");
    far.on("error", () => near.destroy());
    const pair = [near, far] as const;
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on("close", end);
    far.on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get taken() {
      return taken;
    },
    cut,
    refuse(refuse) {
      refusing = refuse;
    },
    freeze() {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
