/** Entity tags of answers that change: whoever has the newest is told so instead of being sent it again. */
import type { Response } from "express";
import { optionalHeader, text } from "./parameters.ts";

/** For an operation's parameters. */
export const IF_NONE_MATCH = optionalHeader(text({ maxBytes: 1024 }), {
  description: "The ETag of an earlier answer.",
});

/**
 * Gives the answer its tag, and is done with it where the caller has that already: true, and 304 is sent.
 * `ifNoneMatch`: the header of the request. The tag goes out weak: it stands for what is said, not for its bytes.
 */
export function answeredBefore(response: Response, ifNoneMatch: string | undefined, tag: string): boolean {
  const entityTag = `W/"${tag}"`;
  response.setHeader("ETag", entityTag);
  response.setHeader("Cache-Control", "private, no-cache");
  if (!matches(ifNoneMatch, entityTag)) return false;
  response.status(304).end();
  return true;
}

function matches(header: string | undefined, tag: string): boolean {
  const opaque = (value: string): string => value.trim().replace(/^W\//, "");
  return header !== undefined && (header.trim() === "*" || header.split(",").map(opaque).includes(opaque(tag)));
}
