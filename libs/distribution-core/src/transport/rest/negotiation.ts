/** Which media type a request's Accept header leads to. */
import type { Request } from "express";
import { DistributionError } from "../../errors.ts";

/** The best of `offered` (the first one when the client does not care). Throws `not_acceptable`. */
export function chooseType<const T extends string>(request: Request, offered: readonly T[]): T {
  const chosen = request.accepts([...offered]);
  const type = offered.find((candidate) => candidate === chosen);
  if (type !== undefined) return type;
  const message = `is ${request.get("accept")}; what can be given here is ${offered.join(", ")}`;
  throw new DistributionError("not_acceptable", `header.accept: ${message}.`, {
    errors: [{ path: "header.accept", message }],
  });
}
