/**
 * Pulsar's admin API over HTTP. Node's own `http` and `https`, since `fetch` takes no certificates and leaves out the token where
 * a broker redirects to the one that serves a topic.
 */
import http from "node:http";
import https from "node:https";
import type { OptionNames } from "@distribution/broker-common";
import { DistributionError } from "@distribution/core/errors";
import { pause } from "@distribution/core/runtime";
import { awayRemedy, tlsRemedy } from "../failures.ts";
import type { Settings } from "../options.ts";
import type { TokenSource } from "../token.ts";

export interface Rest {
  /** The answer's JSON, or undefined when there is no such thing (404). */
  get<T>(path: string): Promise<T | undefined>;
  /** The status, one of 2xx or of `also`; the body goes as JSON. */
  send(method: "PUT" | "POST" | "DELETE", path: string, options?: SendOptions): Promise<RestAnswer>;
  /** Why what was asked last is being asked again. */
  readonly trouble: string | undefined;
  close(): void;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  /** Statuses beside 2xx that are answers and no failures. */
  readonly also?: readonly number[];
  /** Called before it is tried again; what that rejects with is what `send` rejects with. */
  readonly again?: () => Promise<void>;
}

export interface RestAnswer {
  readonly status: number;
  readonly text: string;
}

interface RestRequest extends SendOptions {
  readonly method: string;
  readonly path: string;
}

const ROOT = "/admin/v2";
const MOST_REDIRECTS = 5;
const CONNECTIONS = 8;
/** Of one answer. */
const MAX_BYTES = 64 * 1024 * 1024;
/** An answer that does not come within this is asked for again, ms. */
const TRY_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

type Needs = Pick<Settings, "adminUrl" | "tls" | "runtime" | "adminTimeoutMs" | "optionNames">;

export function createRest(
  { adminUrl, tls, runtime, adminTimeoutMs, optionNames: called }: Needs,
  token: TokenSource,
): Rest {
  const agents = {
    "http:": new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS }),
    "https:": new https.Agent({ keepAlive: true, maxSockets: CONNECTIONS, ...tls }),
  };
  const closing = new AbortController();
  let trouble: string | undefined;

  const once = async (request: RestRequest): Promise<RestAnswer> => {
    let url = new URL(`${adminUrl.href.replace(/\/+$/, "")}${ROOT}${request.path}`);
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const secure = url.protocol === "https:";
      const answer = await ask(url, request, {
        agent: secure ? agents["https:"] : agents["http:"],
        token: token(),
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(Math.min(TRY_MS, adminTimeoutMs))]),
      });
      if (answer.location === undefined) return answer;
      url = new URL(answer.location, url);
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects`);
  };

  const where = `Pulsar's admin API at ${adminUrl.href}`;

  const call = async (request: RestRequest): Promise<RestAnswer> => {
    const until = runtime.clock.monotonicMs() + adminTimeoutMs;
    for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      let why: string;
      try {
        const answer = await once(request);
        trouble = undefined;
        if (isAnswer(answer.status, request.also)) return answer;
        if (!isPassing(answer)) throw refusal(request, answer, called);
        why = `${answer.status} ${reasonOf(answer.text)}`;
      } catch (failure) {
        if (failure instanceof DistributionError) throw failure;
        why = failure instanceof Error ? causeOf(failure) : String(failure);
        const remedy = tlsRemedy(failure, called, { url: "adminUrl", plain: "http://host:port" });
        if (remedy !== undefined)
          throw new DistributionError("unavailable", `${where}: ${why}; ${remedy}.`, { cause: failure });
        why += `; ${awayRemedy(failure, called, "adminUrl") ?? `check ${called("adminUrl")}`}`;
      }
      trouble = `${where}: ${why}.`;
      if (closing.signal.aborted) throw new DistributionError("unavailable", "The broker is closed. Open it again.");
      const pauseMs = wait * (0.5 + runtime.random.next() / 2);
      if (runtime.clock.monotonicMs() + pauseMs >= until) {
        const asked = `did not do ${request.method} ${request.path} within ${adminTimeoutMs} ms`;
        throw new DistributionError("unavailable", `${where} ${asked}: ${why}.`);
      }
      await pause(runtime, pauseMs);
      await request.again?.();
    }
  };

  return {
    async get<T>(path: string) {
      const { status, text } = await call({ method: "GET", path, also: [404] });
      return status === 404 ? undefined : (parseJson(text) as T);
    },
    get trouble() {
      return trouble;
    },
    send: (method, path, options = {}) => call({ method, path, ...options }),
    close() {
      closing.abort();
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

interface How {
  readonly agent: http.Agent;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

function ask(url: URL, request: RestRequest, how: How): Promise<RestAnswer & { location?: string }> {
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const headers: Record<string, string | number> = { accept: "application/json" };
  if (how.token !== undefined) headers["authorization"] = `Bearer ${how.token}`;
  if (body !== undefined) {
    headers["content-type"] = request.contentType ?? "application/json";
    headers["content-length"] = body.length;
  }
  const { request: start } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const { agent, signal } = how;
    const sent = start(url, { method: request.method, headers, agent, signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MAX_BYTES) response.destroy(new Error(`the answer has more than ${MAX_BYTES} bytes`));
      });
      response.on("error", reject);
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        const { location } = response.headers;
        const text = Buffer.concat(chunks).toString();
        resolve(
          location !== undefined && status >= 300 && status < 400 ? { status, text, location } : { status, text },
        );
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const isAnswer = (status: number, also: readonly number[] = []): boolean =>
  (status >= 200 && status < 300) || also.includes(status);

/** What may go by itself: the broker is starting, a topic moves, a policy is not loaded yet, another change was quicker. */
const isPassing = ({ status }: RestAnswer): boolean => status >= 500 || status === 408 || status === 429;

function refusal({ method, path }: RestRequest, { status, text }: RestAnswer, called: OptionNames): DistributionError {
  const asked = `Pulsar refused ${method} ${path} (${status}): ${reasonOf(text)}.`;
  if (status === 401)
    return new DistributionError(
      "unavailable",
      `${asked} The token of ${called("token")} is missing, wrong or expired.`,
    );
  if (status === 403)
    return new DistributionError("unavailable", `${asked} The role of ${called("token")} lacks the permission.`);
  return new DistributionError("invalid_request", asked);
}

/** What the admin API says went wrong: `{"reason": "..."}`, or any text. */
export function reasonOf(text: string): string {
  try {
    const { reason } = JSON.parse(text) as { reason?: unknown };
    if (typeof reason === "string") return reason.trim().replace(/\.$/, "");
  } catch {
    // No JSON: the text itself is the reason.
  }
  return text.trim().slice(0, 200).replace(/\.$/, "") || "no reason given";
}

function causeOf(failure: Error): string {
  if (failure.name === "AbortError") return "no answer in time";
  // Node's words on a certificate tell of its own options.
  const [message = ""] = failure.message.split(";");
  return message.trim() || failure.name;
}

/** Ids have 64 bits: as text they keep every digit. */
export function parseJson(text: string): unknown {
  if (text === "") return undefined;
  return JSON.parse(text.replace(/"(ledgerId|entryId)"\s*:\s*(-?\d+)/g, '"$1":"$2"'));
}
