/** The native client with the broker's settings, and whether it reaches Pulsar: it tells nothing by itself. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OptionNames } from "@distribution/broker-common";
import { topicUrl } from "../names.ts";
import type { Settings, TlsOptions } from "../options.ts";
import { PortError, type PortHealth } from "../port.ts";
import type { TokenSource } from "../token.ts";
import type { NativeApi, NativeClient } from "./client.ts";
import { portErrorOf, resultOf } from "./failures.ts";

export type Needs = Pick<
  Settings,
  "serviceUrl" | "tls" | "token" | "connectTimeoutMs" | "logger" | "runtime" | "tenant" | "namespace" | "optionNames"
>;

export interface Connected {
  readonly client: NativeClient;
  /** Asks the broker something; resolves when it answered. */
  ask(): Promise<void>;
  /** As of the last answer; asks again where that is old. */
  health(): PortHealth;
  close(): Promise<void>;
}

/** An answer is good for so long, ms. */
const GOOD_MS = 1000;
/** A broker that has not answered for so long is away, ms. */
const SILENT_MS = 3000;
/** What a lookup fails with when the broker has answered it. */
const ANSWERS: ReadonlySet<string> = new Set(["TopicNotFound", "AuthorizationError", "NotAllowedError"]);
const WARNINGS = 2;

export function connect(api: NativeApi, settings: Needs, token: TokenSource): Connected {
  const { runtime, logger, connectTimeoutMs } = settings;
  const files = writeTlsFiles(settings.tls);
  /** Lines of the client's code that have spoken since Pulsar was reached last. */
  const said = new Set<string>();
  let tokenFailure: unknown;
  const readToken = (): string => {
    tokenFailure = undefined;
    try {
      return token() ?? "";
    } catch (failure) {
      // Thrown into the client it would end the process.
      tokenFailure = failure;
      return "";
    }
  };
  const client = new api.Client({
    serviceUrl: settings.serviceUrl.href.replace(/\/$/, ""),
    operationTimeoutSeconds: Math.ceil(connectTimeoutMs / 1000),
    connectionTimeoutMs: connectTimeoutMs,
    tlsValidateHostname: true,
    ...files.config,
    ...(settings.token !== undefined && { authentication: new api.AuthenticationToken({ token: readToken }) }),
    logLevel: WARNINGS,
    // One for all clients of the process, which else write to its standard output.
    log(_level: number, file: string, line: number, message: string) {
      // It says the same with every try of every part.
      const place = `${file}:${line}`;
      logger?.[said.has(place) ? "debug" : "warn"]({ file, line }, `pulsar-client: ${message}`);
      said.add(place);
    },
  });

  let asking: { readonly since: number; readonly answer: Promise<void> } | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let connected = false;
  let reason: string | undefined;
  const now = (): number => runtime.clock.monotonicMs();

  const lookUp = async (): Promise<void> => {
    try {
      // Any topic will do, of any answer.
      await client.getPartitionsForTopic(topicUrl(settings, "distribution"));
      if (!connected) said.clear();
      connected = true;
    } catch (failure) {
      const answered = ANSWERS.has(resultOf(failure));
      if (answered && !connected) said.clear();
      connected = answered;
      if (answered) return;
      const told = tokenFailure ?? withRemedy(portErrorOf(failure), settings.optionNames);
      reason = `${settings.serviceUrl.host}: ${told instanceof Error ? told.message : String(told)}`;
      throw told;
    } finally {
      answeredAt = now();
      asking = undefined;
    }
  };

  const ask = (): Promise<void> => {
    asking ??= { since: now(), answer: lookUp() };
    return asking.answer;
  };

  return {
    client,
    ask,
    health() {
      if (now() - answeredAt > GOOD_MS) ask().catch(() => undefined);
      const silent = asking !== undefined && now() - asking.since > SILENT_MS;
      return silent
        ? { connected: false, reason: `${settings.serviceUrl.host} does not answer` }
        : { connected, reason };
    },
    async close() {
      await client.close();
      files.remove();
    },
  };
}

/** The client tells a word of what failed, so that everything which leads to that has to be named. */
function withRemedy({ code, message, cause }: PortError, called: OptionNames): PortError {
  const [url, ca] = [called("serviceUrl"), called("tls.ca")];
  const remedy = code === "refused" ? `check ${called("token")}` : `check that it is up, ${url}, and with TLS ${ca}`;
  return new PortError(code, `${message}; ${remedy}`, { cause });
}

/** The client wants files: they are this process's alone, and go when it is closed. */
function writeTlsFiles({ ca, cert, key }: TlsOptions): { readonly config: object; remove(): void } {
  if (ca === undefined && cert === undefined && key === undefined) return { config: {}, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "pulsar-tls-"));
  const config: Record<string, string> = {};
  for (const [name, text] of Object.entries({
    tlsTrustCertsFilePath: ca,
    tlsCertificateFilePath: cert,
    tlsPrivateKeyFilePath: key,
  })) {
    if (text === undefined) continue;
    config[name] = join(folder, `${name}.pem`);
    writeFileSync(config[name], text, { mode: 0o600 });
  }
  return { config, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
