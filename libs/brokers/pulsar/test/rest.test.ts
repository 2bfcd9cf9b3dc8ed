/** The admin API's answers, from a scripted server. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemRuntime } from "@distribution/core/runtime";
import { expect, onTestFinished, test } from "vitest";
import { createRest, parseJson, type Rest } from "../src/admin/rest.ts";
import { sameNames } from "../src/options.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const answer =
  (status: number, body = "", headers = {}): Answer =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

/** Answers in this order, and goes on with the last. */
async function serve(answers: readonly Answer[]): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    answers[Math.min(requests.length, answers.length - 1)]!(request, response);
    requests.push(request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function restAt(url: string, { adminTimeoutMs = 2000, token = "secret" as string | undefined } = {}): Rest {
  const optionNames = (option: string): string => `X_${option}`;
  const settings = { adminUrl: new URL(url), tls: {}, runtime: systemRuntime, adminTimeoutMs, optionNames };
  const rest = createRest(settings, () => token);
  onTestFinished(() => rest.close());
  return rest;
}

test("gives the answer's JSON, and undefined where there is nothing", async () => {
  const { url, requests } = await serve([answer(200, '{"a":1}'), answer(404, '{"reason":"gone"}'), answer(200)]);
  const rest = restAt(url);
  expect(await rest.get("/topics")).toEqual({ a: 1 });
  expect(await rest.get("/topics")).toBeUndefined();
  expect(await rest.get("/topics")).toBeUndefined();
  expect(requests.map((request) => [request.url, request.headers.authorization])).toEqual(
    Array.from({ length: 3 }, () => ["/admin/v2/topics", "Bearer secret"]),
  );
});

test("sends no token when there is none", async () => {
  const { url, requests } = await serve([answer(204)]);
  const rest = createRest(
    { adminUrl: new URL(`${url}/`), tls: {}, runtime: systemRuntime, adminTimeoutMs: 100, optionNames: sameNames },
    () => undefined,
  );
  onTestFinished(() => rest.close());
  expect(await rest.send("DELETE", "/x")).toMatchObject({ status: 204 });
  expect(requests[0]!.headers.authorization).toBeUndefined();
});

test("a redirect is followed to another broker, with body and token", async () => {
  const bodies: string[] = [];
  const owner = await serve([
    (request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on("end", () => {
        bodies.push(text);
        response.end("{}");
      });
    },
  ]);
  const { url } = await serve([answer(307, "", { location: `${owner.url}/admin/v2/moved` })]);
  await restAt(url).send("PUT", "/there", { body: { a: 1 } });
  expect(bodies).toEqual(['{"a":1}']);
  expect(owner.requests[0]).toMatchObject({ method: "PUT", url: "/admin/v2/moved" });
  expect(owner.requests[0]!.headers.authorization).toBe("Bearer secret");
});

test("redirects without end are given up", async () => {
  const { url } = await serve([answer(307, "", { location: "/admin/v2/again" })]);
  await expect(restAt(url, { adminTimeoutMs: 200 }).get("/there")).rejects.toMatchObject({
    ...{ code: "unavailable", message: expect.stringContaining("redirects") },
  });
});

test("what passes by itself is tried again", async () => {
  const { url, requests } = await serve([answer(503, "starting"), answer(500), answer(429), answer(200, "[1]")]);
  expect(await restAt(url).get("/there")).toEqual([1]);
  expect(requests).toHaveLength(4);
});

test.each([
  [401, "unavailable", "The token of X_token"],
  [403, "unavailable", "The role of X_token lacks the permission"],
  [412, "invalid_request", "quota is smaller"],
])("a %d is told at once as %s", async (status, code, word) => {
  const { url, requests } = await serve([answer(status, '{"reason":"quota is smaller."}')]);
  await expect(restAt(url).send("POST", "/there", { body: 1 })).rejects.toMatchObject({
    ...{ code, message: expect.stringContaining(word) },
  });
  expect(requests).toHaveLength(1);
});

test("a status that is expected is an answer", async () => {
  const { url } = await serve([answer(409, "there already")]);
  expect(await restAt(url).send("PUT", "/there", { also: [409] })).toEqual({ status: 409, text: "there already" });
});

test("a server that is away or silent is told as unavailable, with address, setting and reason", async () => {
  const { url } = await serve([() => undefined]);
  await expect(restAt(url, { adminTimeoutMs: 150 }).get("/there")).rejects.toMatchObject({
    ...{
      code: "unavailable",
      message: expect.stringMatching(/127\.0\.0\.1.*150 ms: no answer in time; check X_adminUrl\.$/),
    },
  });
  await expect(restAt("http://127.0.0.1:1", { adminTimeoutMs: 150 }).get("/there")).rejects.toMatchObject({
    ...{
      code: "unavailable",
      message: expect.stringContaining("ECONNREFUSED 127.0.0.1:1; start it, or set X_adminUrl to where it is."),
    },
  });
});

test("while it is asked again, it says why", async () => {
  const rest = restAt("http://127.0.0.1:1", { adminTimeoutMs: 60_000 });
  const asking = rest.get("/there").catch((failure: Error) => failure);
  await expect.poll(() => rest.trouble).toContain("start it, or set X_adminUrl to where it is.");
  rest.close();
  expect(await asking).toMatchObject({ message: expect.stringContaining("closed") });
});

test("TLS where there is none is told at once, with the setting", async () => {
  const { url } = await serve([answer(200)]);
  await expect(restAt(url.replace("http:", "https:"), { adminTimeoutMs: 60_000 }).get("/there")).rejects.toMatchObject({
    ...{
      code: "unavailable",
      message: expect.stringContaining("if the port speaks no TLS, set X_adminUrl to http://host:port"),
    },
  });
});

test("a plain text is a reason, too, and so is none", async () => {
  const { url } = await serve([answer(400, "bad topic\n"), answer(400)]);
  const rest = restAt(url);
  await expect(rest.get("/there")).rejects.toThrow(/\(400\): bad topic\./);
  await expect(rest.get("/there")).rejects.toThrow(/no reason given/);
});

test("what is asked after the end is refused", async () => {
  const { url } = await serve([answer(200)]);
  const rest = restAt(url);
  rest.close();
  await expect(rest.get("/there")).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("closed"),
  });
});

test("ids keep all of their 64 bits", () => {
  const text = '{"ledgerId":9223372036854775807,"entryId": -1,"properties":{"a":"\\"ledgerId\\":5"}}';
  expect(parseJson(text)).toEqual({
    ...{ ledgerId: "9223372036854775807", entryId: "-1", properties: { a: '"ledgerId":5' } },
  });
  expect(parseJson("")).toBeUndefined();
});
