import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFaultProxy, type FaultProxy } from "../src/index.ts";

/** What came back so far. */
interface Client {
  readonly socket: Socket;
  readonly received: () => string;
  readonly ended: Promise<string>;
}

let echo: Server;
let echoPort: number;
let reached: string;
let proxy: FaultProxy;
const opened: Socket[] = [];

beforeEach(async () => {
  reached = "";
  echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      reached += chunk.toString();
      socket.write(chunk);
    });
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  echoPort = (echo.address() as { port: number }).port;
  proxy = await createFaultProxy({ target: echoPort });
});
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await proxy.close();
  echo.close();
});

async function open(): Promise<Client> {
  const socket = connect(proxy.port, "127.0.0.1");
  opened.push(socket);
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  const ended = new Promise<string>((resolve) => {
    socket.once("error", (failure: NodeJS.ErrnoException) => resolve(failure.code ?? ""));
    socket.once("close", () => resolve("closed"));
  });
  await Promise.race([once(socket, "connect"), ended]);
  return { socket, received: () => received, ended };
}

/** Until what is under way elsewhere would long have arrived: so many round trips by another proxy, begun after it. */
async function roundTrips(): Promise<void> {
  await using other = await createFaultProxy({ target: echoPort });
  const socket = connect(other.port, "127.0.0.1");
  opened.push(socket);
  for (let trip = 0; trip < 10; trip++) {
    socket.write("~");
    await once(socket, "data");
  }
  socket.on("error", () => {});
}

describe("a fault proxy", () => {
  it("carries bytes both ways, and an end", async () => {
    const client = await open();
    client.socket.write("hello");
    await expect.poll(client.received).toBe("hello");
    expect(proxy.accepted).toBe(1);
    expect(proxy.open).toBe(1);
    client.socket.end("bye");
    await expect.poll(client.received).toBe("hellobye");
    expect(await client.ended).toBe("closed");
    await expect.poll(() => proxy.open).toBe(0);
  });

  it("cuts: open connections are reset, new ones are served", async () => {
    const client = await open();
    client.socket.write("one");
    await expect.poll(client.received).toBe("one");
    proxy.cut();
    expect(await client.ended).toBe("ECONNRESET");
    expect(proxy.open).toBe(0);
    const next = await open();
    next.socket.write("two");
    await expect.poll(next.received).toBe("two");
  });

  it("refuses new connections, keeps open ones, and accepts again at the same port", async () => {
    const client = await open();
    client.socket.write("one");
    await expect.poll(client.received).toBe("one");
    proxy.refuse();
    expect(await (await open()).ended).toBe("ECONNREFUSED");
    client.socket.write("two");
    await expect.poll(client.received).toBe("onetwo");
    await proxy.accept();
    await proxy.accept();
    const next = await open();
    next.socket.write("three");
    await expect.poll(next.received).toBe("three");
  });

  it("stalls both ways, for new connections too, and loses nothing", async () => {
    const client = await open();
    client.socket.write("one");
    await expect.poll(client.received).toBe("one");
    proxy.stall();
    proxy.stall();
    const late = await open();
    late.socket.write("late");
    client.socket.write("two");
    await expect.poll(() => proxy.open).toBe(2);
    await roundTrips();
    expect(reached.replaceAll("~", "")).toBe("one");
    proxy.flow();
    await expect.poll(client.received).toBe("onetwo");
    await expect.poll(late.received).toBe("late");
  });

  it("stalls the answer to what was asked before", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<Socket>();
    const slow = createServer((socket) => socket.on("error", () => {}).once("data", () => resolve(socket)));
    await once(slow.listen(0, "127.0.0.1"), "listening");
    proxy.forwardTo((slow.address() as { port: number }).port);
    const client = await open();
    client.socket.write("question");
    const target = await asked;
    proxy.stall();
    target.write("answer");
    await roundTrips();
    expect(client.received()).toBe("");
    proxy.flow();
    await expect.poll(client.received).toBe("answer");
    slow.close();
  });

  it("slows: what is large takes as long as its size says, and all of it comes", async () => {
    const client = await open();
    proxy.slow(50_000);
    const before = performance.now();
    client.socket.write("x".repeat(10_000));
    await expect.poll(() => client.received().length, { timeout: 20_000 }).toBe(10_000);
    // At least: a fifth of a second there; the way back overlaps.
    expect(performance.now() - before).toBeGreaterThan(150);
    proxy.slow(Number.POSITIVE_INFINITY);
    client.socket.write("y".repeat(1_000_000));
    await expect.poll(() => client.received().length, { timeout: 20_000 }).toBe(1_010_000);
    expect(() => proxy.slow(0)).toThrow(RangeError);
  });

  it("swallows the answer of a request that was carried out, and cuts", async () => {
    const client = await open();
    const swallowed = proxy.swallow(1);
    client.socket.write("write it");
    await swallowed;
    expect(await client.ended).toBe("ECONNRESET");
    expect(reached).toBe("write it");
    expect(client.received()).toBe("");
    const next = await open();
    next.socket.write("again");
    await expect.poll(next.received).toBe("again");
  });

  it("swallows only on the connection that asked what it waits for", async () => {
    const other = await open();
    const client = await open();
    const swallowed = proxy.swallow(2, (request) => request.toString().startsWith("produce"));
    other.socket.write("fetch");
    await expect.poll(other.received).toBe("fetch");
    client.socket.write("produce 1");
    await expect.poll(() => reached).toContain("produce 1");
    client.socket.write("produce 2");
    await swallowed;
    expect(await client.ended).toBe("ECONNRESET");
    expect(client.received()).toBe("");
    other.socket.write("more");
    await expect.poll(other.received).toBe("fetchmore");
  });

  it("resets a client when the target is away or not known, and serves it when it is there", async () => {
    await using early = await createFaultProxy();
    const socket = connect(early.port, "127.0.0.1");
    opened.push(socket);
    const [failure] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(failure.code).toBe("ECONNRESET");
    early.forwardTo(1);
    const away = connect(early.port, "127.0.0.1");
    opened.push(away);
    const [refused] = (await once(away, "error")) as [NodeJS.ErrnoException];
    expect(refused.code).toBe("ECONNRESET");
    early.forwardTo(echoPort);
    const served = connect(early.port, "127.0.0.1");
    opened.push(served);
    served.write("now");
    const [answer] = (await once(served, "data")) as [Buffer];
    expect(answer.toString()).toBe("now");
  });

  it("closes while it is stalled, with connections open", async () => {
    const client = await open();
    client.socket.write("held");
    proxy.stall();
    client.socket.write("held");
    await proxy.close();
    expect(await client.ended).toBe("ECONNRESET");
    await proxy.close();
  });
});
