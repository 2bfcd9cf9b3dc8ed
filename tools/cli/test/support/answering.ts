import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** The address of a server that stands for a service, with answers of its own, said to be JSON; gone with the test. */
export async function startAnswering(listener: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    listener(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
