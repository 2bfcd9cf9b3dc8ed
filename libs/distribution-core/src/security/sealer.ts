/** Opaque, signed tokens that carry a place from one request to the next; any replica with the secret reads them. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { fieldError } from "../errors.ts";

/** A token of one kind is forged to any other. */
export interface Sealer {
  /** `value` must survive JSON. */
  seal(kind: string, value: unknown): string;
  /** Throws `invalid_token` at `path`, with what to do instead. */
  open(kind: string, token: string, path: string): unknown;
}

const MIN_SECRET_BYTES = 32;
/** 128 bits: as hard to guess as the key. */
const SIGNATURE_BYTES = 16;
/** A token of 10,000 positions is far below this; more is nobody's token. */
const MAX_TOKEN_LENGTH = 1024 * 1024;

/**
 * HMAC-SHA-256: base64url of the JSON, a dot, base64url of the signature. Tokens do not hide what they say, and do not
 * expire: a place in a log is no permission, the reader is authorized each time.
 * `owner` keeps the tokens of two services with one secret apart. Throws `invalid_request` for a secret below 32 bytes.
 */
export function createSealer(secret: Uint8Array, owner: string): Sealer {
  if (secret.length < MIN_SECRET_BYTES) {
    throw fieldError(
      "invalid_request",
      "secret",
      `has ${secret.length} bytes; at least ${MIN_SECRET_BYTES} are needed`,
    );
  }
  const sign = (kind: string, body: string): Buffer =>
    createHmac("sha256", secret).update(`${owner}\0${kind}\0${body}`).digest().subarray(0, SIGNATURE_BYTES);

  return {
    seal(kind, value) {
      const body = Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${body}.${sign(kind, body).toString("base64url")}`;
    },
    open(kind, token, path) {
      const [body = "", signature = "", ...rest] = token.length > MAX_TOKEN_LENGTH ? [] : token.split(".");
      const given = Buffer.from(signature, "base64url");
      const genuine = sign(kind, body);
      if (rest.length > 0 || given.length !== genuine.length || !timingSafeEqual(given, genuine)) {
        throw fieldError(
          "invalid_token",
          path,
          "is no token of this service; start without it, or from a position or time",
        );
      }
      return JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
    },
  };
}
