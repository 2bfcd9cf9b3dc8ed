/** The address of a service's stream. */
import { DistributionClientError } from "../errors.ts";

const STREAM_PATH = "/api/v1/stream";
const SCHEMES: Readonly<Record<string, string>> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" };

/** `http://host:7030` and `ws://host:7030/api/v1/stream` alike; a path of its own is kept. Throws `misuse`. */
export function streamUrl(given: string | URL): string {
  const url = parse(given);
  const scheme = SCHEMES[url.protocol];
  if (scheme === undefined) throw misuse(given);
  if (url.pathname === "/" || url.pathname === "") url.pathname = STREAM_PATH;
  url.hash = "";
  return scheme + url.href.slice(url.protocol.length);
}

function parse(given: string | URL): URL {
  try {
    return new URL(given);
  } catch (cause) {
    throw misuse(given, cause);
  }
}

const misuse = (given: string | URL, cause?: unknown): DistributionClientError =>
  new DistributionClientError("misuse", `url: "${given}" is no address; give one like http://localhost:7030`, {
    cause,
  });
