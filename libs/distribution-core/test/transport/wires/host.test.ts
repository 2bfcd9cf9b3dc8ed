import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { Listen } from "../../../src/transport/listeners.ts";
import { createHostGuard } from "../../../src/transport/wires/index.ts";
import { prepare, QUOTES } from "../../service/support.ts";

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** fetch would put a Host of its own. */
function ask(port: number, { path, method = "GET", headers, body }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(await response.toArray()).toString() });
    });
    asked.on("error", reject);
    asked.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, body: "" });
    });
    asked.end(body);
  });
}

const UPGRADE = {
  connection: "upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};
const EVENT = { specversion: "1.0", id: "1", source: "/test", type: "test.event.v1", partitionkey: "a", data: {} };

/** A whole service, asked for on every face by this name; what is asked comes from a page of that name where `origin` says so. */
async function start(listen: Partial<Listen> = {}) {
  const { ports } = await (await prepare({ listen: { port: 0, grpcPort: 0, adminPort: 0, ...listen } })).start();
  const headersOf = (host: string, origin?: string) => ({ host, ...(origin !== undefined && { origin }) });
  const publish = (host: string, origin?: string) =>
    ask(ports.public, {
      path: `/api/v1/topics/${QUOTES.name}/events`,
      method: "POST",
      headers: { ...headersOf(host, origin), "content-type": "application/cloudevents+json" },
      body: JSON.stringify(EVENT),
    });
  const faces = {
    REST: (host: string) => ask(ports.public, { path: "/api/v1/topics", headers: headersOf(host) }),
    publishing: (host: string) => publish(host, `http://${host}`),
    "the page": (host: string) => ask(ports.public, { path: "/", headers: headersOf(host) }),
    SSE: (host: string) => ask(ports.public, { path: "/api/v1/topics/none/events", headers: headersOf(host) }),
    metrics: (host: string) => ask(ports.admin, { path: "/metrics", headers: headersOf(host) }),
    "the operators' API": (host: string) => ask(ports.admin, { path: "/admin/v1/status", headers: headersOf(host) }),
    WebSocket: (host: string) =>
      ask(ports.public, { path: "/api/v1/stream", headers: { ...UPGRADE, ...headersOf(host, `http://${host}`) } }),
    "Socket.IO": (host: string) =>
      ask(ports.public, {
        path: "/socket.io/?EIO=4&transport=polling",
        headers: headersOf(host, `http://${host}`),
      }),
  };
  const statuses = async (host: string) =>
    Object.fromEntries(
      await Promise.all(Object.entries(faces).map(async ([name, face]) => [name, (await face(host)).status])),
    );
  return { ports, publish, faces, statuses };
}

/** What each face answers one that it takes. */
const TAKEN = {
  ...{ REST: 200, publishing: 201, "the page": 200, SSE: 404, metrics: 200, "the operators' API": 200 },
  ...{ WebSocket: 101, "Socket.IO": 200 },
};
const REFUSED = Object.fromEntries(Object.keys(TAKEN).map((name) => [name, 403]));

describe("a page whose name was pointed at this machine", () => {
  it("is refused on every face, though it is of the origin that it asks", async () => {
    const { ports, statuses } = await start();
    expect(await statuses(`evil.example:${ports.public}`)).toEqual(REFUSED);
    expect(await statuses("localhost.evil.example")).toEqual(REFUSED);
  });

  it("is told what an operator would have to set", async () => {
    const { faces } = await start();
    for (const name of ["REST", "the operators' API", "WebSocket"] as const) {
      const problem = JSON.parse((await faces[name]("evil.example")).body);
      expect(problem).toMatchObject({ status: 403, code: "forbidden", errors: [{ path: "Host" }] });
      expect(problem.detail).toMatch(/evil\.example is no name of this service.*HOSTS/);
    }
    expect((await faces["Socket.IO"]("evil.example")).body).toContain("HOSTS");
  });

  it("is let in on every face when the operator lists the name", async () => {
    const { statuses } = await start({ hosts: ["desk.example"] });
    expect(await statuses("desk.example:8443")).toEqual(TAKEN);
    expect(await statuses("evil.example")).toEqual(REFUSED);
  });

  it.each(["localhost:7030", "127.0.0.1", "[::1]:7030"])(
    "is not one of %s, which is taken on every face",
    async (host) => {
      const { statuses } = await start();
      expect(await statuses(host)).toEqual(TAKEN);
    },
  );
});

describe("a request without Host", () => {
  it.each([
    ["HTTP/1.0", "GET /api/v1/topics HTTP/1.0\r\n\r\n", 403],
    ["HTTP/1.1, by Node", "GET /api/v1/topics HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    [
      "an upgrade, which Node lets pass",
      `GET /api/v1/stream HTTP/1.1\r\n${Object.entries(UPGRADE)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")}\r\n`,
      403,
    ],
  ])("is refused: %s", async (_, text, status) => {
    const { ports } = await start();
    const socket = connect(ports.public, "127.0.0.1");
    socket.write(text);
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

describe("a page of another origin", () => {
  it.each(["https://evil.example", "null", "http://localhost:1"])("of %s changes nothing over REST", async (origin) => {
    const { ports, publish, faces } = await start({ origins: ["https://desk.example"] });
    const answer = await publish(`localhost:${ports.public}`, origin);
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([403, "forbidden"]);
    expect((await publish("localhost", "https://desk.example")).status).toBe(201);
    expect((await publish("localhost")).status).toBe(200);
    expect((await faces.REST("localhost")).status).toBe(200);
  });

  it("changes nothing on the admin port either, and reads what browsers will not show it", async () => {
    const { ports } = await start();
    const headers = { host: "localhost", origin: "https://evil.example" };
    const statusOf = async (method: string, path: string) => (await ask(ports.admin, { path, method, headers })).status;
    expect(await Promise.all(["POST", "PUT", "PATCH", "DELETE"].map((each) => statusOf(each, "/admin/v1/x")))).toEqual([
      403, 403, 403, 403,
    ]);
    expect(await statusOf("GET", "/livez")).toBe(200);
  });
});

describe("the names that a service answers to", () => {
  const takes = (names: readonly string[], host: string | undefined): boolean =>
    createHostGuard(names)(host === undefined ? {} : { host }) === undefined;

  it.each([
    "localhost",
    "LOCALHOST:1",
    "localhost.",
    "127.0.0.1:7030",
    "127.255.0.9",
    "[::1]",
    "[0:0:0:0:0:0:0:1]:7030",
    "[::ffff:127.0.0.1]",
  ])("have %s among them without being told", (host) => {
    expect(takes([], host)).toBe(true);
  });

  it.each([
    undefined,
    "",
    "0.0.0.0",
    "[::]",
    "10.0.0.1",
    "128.0.0.1",
    "[::2]",
    "[::ffff:10.0.0.1]",
    "127.0.0.1.evil.example",
    "sub.localhost",
    "evil.example#localhost",
    "evil.example@localhost",
    "localhost@evil.example",
    "localhost/evil.example",
    "localhost:99999",
    "localhost:x",
    "localhost localhost",
  ])("have %j not", (host) => {
    expect(takes([], host)).toBe(false);
  });

  it.each([
    ["desk.example", "desk.example", true],
    ["Desk.Example:443", "desk.example.:80", true],
    ["desk.example", "a.desk.example", false],
    ["10.0.0.1", "10.0.0.1:7030", true],
    ["fd00:0::1", "[fd00::1]:7030", true],
    ["0.0.0.0", "0.0.0.0:7030", false],
    ["::", "[::]:7030", false],
    ["0.0.0.0", "desk.example", false],
  ])("listed or bound as %s: %s is one: %s", (listed, host, taken) => {
    expect(takes([listed], host)).toBe(taken);
  });
});
