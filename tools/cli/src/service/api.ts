/** The REST face of a service. */
import { CliError, EXIT } from "../exit.ts";

export interface Api {
  /** GET below /api/v1. Parameters that are undefined or empty are left out. Fails with CliError. */
  get(path: string, query?: Query, accept?: string): Promise<Response>;
  post(path: string, body: string, contentType: string): Promise<Response>;
  readonly base: URL;
}

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface ApiOptions {
  readonly base: URL;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
}

/** RFC 9457 problem details, as services answer. */
interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

export class RefusedError extends CliError {
  readonly status: number;
  /** Of the service's closed list; undefined: it was no service that answered. */
  readonly code: string | undefined;
  /** Seconds to wait, where the service said so. */
  readonly retryAfterS: number | undefined;

  constructor(message: string, answer: Pick<RefusedError, "status" | "code" | "retryAfterS">) {
    super(message);
    this.status = answer.status;
    this.code = answer.code;
    this.retryAfterS = answer.retryAfterS;
  }
}

export function createApi({ base, token, signal }: ApiOptions): Api {
  const send = async (url: URL, init: RequestInit): Promise<Response> => {
    const headers = { ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers, signal });
    } catch (failure) {
      if (signal.aborted) throw failure;
      throw unreachable(base, failure);
    }
    if (!response.ok) throw await refusalOf(response);
    if (response.headers.get("content-type")?.includes("json")) return response;
    throw new CliError(
      `What answers at ${base.origin} is no distribution service. Give another --url or --service.`,
      EXIT.unreachable,
    );
  };
  return {
    base,
    get: (path, query = {}, accept = "application/json") => send(urlOf(base, path, query), { headers: { accept } }),
    post: (path, body, contentType) =>
      send(urlOf(base, path, {}), { method: "POST", body, headers: { "content-type": contentType } }),
  };
}

export function unreachable(base: URL, failure: unknown): CliError {
  const cause = failure instanceof Error && failure.cause instanceof Error ? failure.cause : failure;
  // A name that stands for several addresses fails with one error for each, and no message of its own.
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  const reason = first instanceof Error ? first.message : String(first);
  return new CliError(
    `No service answered at ${base.origin} (${reason}). Start it with "npm start", or give --url or --service.`,
    EXIT.unreachable,
    failure,
  );
}

function urlOf(base: URL, path: string, query: Query): URL {
  const url = new URL(`/api/v1${path}`, base);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    const list = Array.isArray(value) ? value.join(",") : String(value);
    if (list !== "") url.searchParams.set(name, list);
  }
  return url;
}

async function refusalOf(response: Response): Promise<RefusedError> {
  const text = await response.text();
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  const problem = parseProblem(text);
  const message = problem
    ? `${problem.code ?? response.status}: ${problem.detail ?? response.statusText}`
    : `The service answered ${response.status} ${response.statusText}.`;
  const more = (problem?.errors ?? []).slice(1).map(({ path, message: what }) => `\n  ${path}: ${what}`);
  const retryAfterS = Number.isNaN(retryAfter) ? undefined : retryAfter;
  return new RefusedError(message + more.join(""), { status: response.status, code: problem?.code, retryAfterS });
}

function parseProblem(text: string): Problem | undefined {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return undefined;
  }
}
