/** Tokens that a Pulsar with token authentication takes: JSON Web Tokens signed with a shared secret (HS256). */
import { createHmac, randomBytes } from "node:crypto";

/** 32 random bytes. */
export function createSecret(): Buffer {
  return randomBytes(32);
}

/** A token without an end for `subject`, the role. */
export function createToken(subject: string, secret: Buffer): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: subject })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
