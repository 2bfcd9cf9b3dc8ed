/** A domain's endpoints by themselves, without a service around them: what they answer from read models that a test has filled. */
import type { AddressInfo } from "node:net";
import { DistributionError, toDistributionError } from "@distribution/core/errors";
import express, { type NextFunction, type Request, type Response, type Router } from "express";
import type { Ports } from "./runner.ts";

export interface ServedRouter extends AsyncDisposable {
  /** For `ask` and the other words of a client. */
  readonly ports: Pick<Ports, "public">;
  /** The topic that nobody may read. Default: none. */
  forbidden: string | undefined;
}

/** Mounted as in a service, on a port of its own. */
export async function serveRouter(router: Router): Promise<ServedRouter> {
  const authorize = ({ topic }: { readonly topic?: string }): void => {
    if (topic === served.forbidden) throw new DistributionError("forbidden", "Not this one.");
  };
  const app = express().set("query parser", false);
  app.use((_request, response, next) => {
    response.locals["context"] = { id: "1", route: "", authorize };
    next();
  });
  app.use("/api/v1", router);
  app.use((failure: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const { code, errors, definition } = toDistributionError(failure);
    response.status(definition.http).json({ code, errors });
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const served: ServedRouter = {
    ports: { public: (server.address() as AddressInfo).port },
    forbidden: undefined,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return served;
}
