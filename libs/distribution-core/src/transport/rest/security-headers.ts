/** Response headers that keep a browser from doing more with an answer than was meant. */
import type { RequestHandler } from "express";

/** For answers that are data. Pages set a policy of their own. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

export function securityHeaders(): RequestHandler {
  return (_request, response, next) => {
    response.setHeader("Content-Security-Policy", DATA_POLICY);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("X-Frame-Options", "DENY");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
    response.setHeader("Cache-Control", "no-store");
    next();
  };
}
