/** What is known of a request before its endpoint sees it. */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { DistributionError } from "../../errors.ts";
import type { Random } from "../../runtime/index.ts";
import type { Action, Guard, Identity } from "../../security/contract.ts";
import { credentialOf } from "../wires/credential.ts";

export interface RequestContext {
  /** Of the X-Request-Id header where the client sent a usable one; in the answer, the log and every problem. */
  readonly id: string;
  /** Of a well-formed W3C traceparent header. */
  readonly traceId: string | undefined;
  /** The matched operation's template, for metrics; empty until there is one. */
  route: string;
  /** Where the router is mounted that the request is in; Express forgets it before the request is counted. */
  mount: string;
  /** Throws `unauthenticated` when nobody was identified on this address. */
  identity: () => Identity;
  /** Throws `forbidden`. */
  authorize: (action: Action) => void;
}

const REQUEST_ID = /^[\w.:/+=-]{1,128}$/;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** The context that `openContext` gave the request. */
export function contextOf(response: Response): RequestContext {
  return response.locals["context"] as RequestContext;
}

/** First of all middleware: gives the request its id and context. */
export function openContext(random: Random): RequestHandler {
  return (request, response, next) => {
    const asked = request.get("x-request-id");
    const id = asked !== undefined && REQUEST_ID.test(asked) ? asked : Buffer.from(random.bytes(12)).toString("hex");
    const context: RequestContext = {
      id,
      traceId: TRACEPARENT.exec(request.get("traceparent") ?? "")?.[1],
      route: "",
      mount: "",
      identity: () => {
        throw new DistributionError("unauthenticated", "This address identifies nobody.");
      },
      authorize: () => void context.identity(),
    };
    response.locals["context"] = context;
    response.setHeader("X-Request-Id", id);
    next();
  };
}

/** For routers of others: tells the context where they are. */
export function mountedAt(prefix: string): RequestHandler {
  return (_request, response, next) => {
    contextOf(response).mount = prefix;
    next();
  };
}

/** Asks the guard who is there. Its refusal goes to the error middleware, with the challenge that RFC 9110 wants. */
export function identify(guard: Guard): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    const context = contextOf(response);
    response.setHeader("WWW-Authenticate", "Bearer");
    const identity = guard.identify(credentialOf(request.headers, request.socket.remoteAddress));
    response.removeHeader("WWW-Authenticate");
    context.identity = () => identity;
    context.authorize = (action) => guard.authorize(identity, action);
    next();
  };
}

export function mayRead(context: RequestContext, topic: string): boolean {
  try {
    context.authorize({ kind: "read", topic });
    return true;
  } catch (failure) {
    if (failure instanceof DistributionError && failure.code === "forbidden") return false;
    throw failure;
  }
}
