/** Certificates for one broker, made on the spot: an authority, the broker's, a client's. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BrokerFailure } from "./failure.ts";

export interface KeyPair {
  /** PEM: PKCS#8 key, certificate. */
  readonly key: string;
  readonly certificate: string;
  /** Both in one file, key first: what Kafka takes. */
  readonly bothFile: string;
  readonly keyFile: string;
  readonly certificateFile: string;
}

export interface Certificates {
  /** PEM of the authority: who trusts it trusts the broker and its clients. */
  readonly authority: string;
  readonly authorityFile: string;
  /** For localhost and 127.0.0.1. */
  readonly broker: KeyPair;
  readonly client: KeyPair;
}

const DAYS = "3650";
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

const run = promisify(execFile);

async function openssl(...words: readonly string[]): Promise<void> {
  try {
    await run("openssl", words);
  } catch (cause) {
    throw new BrokerFailure(
      `openssl ${words[0]} failed, which makes the certificates: ${(cause as Error).message.trim()}. Is openssl installed?`,
      { cause },
    );
  }
}

/** Those in `folder`, made when there are none: they stay valid for a broker that starts again. */
export async function createCertificates(folder: string): Promise<Certificates> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authorityKey = join(folder, "authority.key");
  const authorityFile = join(folder, "authority.pem");
  const sign = async (name: string, usage: string): Promise<KeyPair> => {
    const file = (ending: string): string => join(folder, `${name}.${ending}`);
    writeFileSync(file("ext"), `subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=${usage}\n`);
    await openssl("req", ...NEW_KEY, "-keyout", file("key"), "-out", file("csr"), "-subj", `/CN=${name}`);
    const authority = ["-CA", authorityFile, "-CAkey", authorityKey, "-CAcreateserial", "-days", DAYS];
    await openssl("x509", "-req", "-in", file("csr"), ...authority, "-extfile", file("ext"), "-out", file("pem"));
    await openssl("pkcs8", "-topk8", "-nocrypt", "-in", file("key"), "-out", file("p8"));
    const key = readFileSync(file("p8"), "utf8");
    const certificate = readFileSync(file("pem"), "utf8");
    writeFileSync(file("both.pem"), key + certificate, { mode: 0o600 });
    return {
      key,
      certificate,
      bothFile: file("both.pem"),
      keyFile: file("p8"),
      certificateFile: file("pem"),
    };
  };
  await openssl(
    "req",
    "-x509",
    ...NEW_KEY,
    "-days",
    DAYS,
    "-keyout",
    authorityKey,
    "-out",
    authorityFile,
    "-subj",
    "/CN=authority",
  );
  return {
    authority: readFileSync(authorityFile, "utf8"),
    authorityFile,
    broker: await sign("broker", "serverAuth"),
    client: await sign("client", "clientAuth"),
  };
}
