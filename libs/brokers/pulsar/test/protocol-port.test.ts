/** The port on the own client, as far as it goes without a Pulsar: what its failures become. */
import { DistributionError } from "@distribution/core/errors";
import { PULSAR_ERRORS, PulsarError, type PulsarErrorCode } from "@distribution/pulsar-protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { failureOf } from "../src/failures.ts";
import { settingsOf } from "../src/options.ts";
import { PortError, type PulsarPort } from "../src/port.ts";
import { createProtocolPort, portErrorOf } from "../src/protocol-port.ts";
import { createTokenSource } from "../src/token.ts";

describe("every failure of the client is one of the port's", () => {
  const TOLD: Partial<Record<PulsarErrorCode, [port: string, code: string]>> = {
    tls: ["refused", "unavailable"],
    authentication: ["refused", "unavailable"],
    authorization: ["refused", "unavailable"],
    producer_fenced: ["ended", "unavailable"],
    topic_not_found: ["unknown_topic", "unknown_topic"],
    topic_terminated: ["unknown_topic", "unknown_topic"],
    partitioned_topic: ["unknown_topic", "unknown_topic"],
    message_too_large: ["too_large", "batch_too_large"],
    quota_exceeded: ["full", "storage_full"],
    checksum_mismatch: ["damaged", "record_damaged"],
    entry_corrupt: ["damaged", "record_damaged"],
    unsupported: ["damaged", "record_damaged"],
    closed: ["closed", "unavailable"],
  };

  test.each(Object.keys(PULSAR_ERRORS) as PulsarErrorCode[])("%s", (code) => {
    const [port, told] = TOLD[code] ?? ["unavailable", "unavailable"];
    const cause = new PulsarError(code, "because");
    const failure = portErrorOf(cause);
    expect(failure).toBeInstanceOf(PortError);
    expect(failure).toMatchObject({ code: port, message: expect.stringMatching(/^because/), cause });
    expect(failureOf(failure, "t/0")).toMatchObject({
      code: told,
      message: expect.stringMatching(/^t\/0: .*because/),
    });
  });

  const caused = (code: string): Error => Object.assign(new Error(), { code });

  test.each([
    ["authentication", undefined, "because; check X_token: the token is missing, wrong or expired"],
    ["authorization", undefined, "because; the role of X_token lacks the permission"],
    [
      "tls",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "because; set X_tls.ca to the certificate of the authority that signed it",
    ],
    ["tls", "CERT_HAS_EXPIRED", "because; renew its certificate"],
    ["tls", "ERR_TLS_CERT_ALTNAME_INVALID", "because; call it in X_serviceUrl by a name that its certificate has"],
    ["tls", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "because; check X_tls.cert and X_tls.key"],
    [
      "tls",
      "EPROTO",
      "because; if the port speaks no TLS, set X_serviceUrl to pulsar://host:port, or to one that does",
    ],
    ["tls", "OTHER", "because"],
    ["protocol", undefined, "because; check whether X_serviceUrl is Pulsar's"],
    ["unavailable", "ECONNREFUSED", "because; start it, or set X_serviceUrl to where it is"],
    ["unavailable", undefined, "because"],
  ] as const)("%s (%s) says what to do", (code, cause, message) => {
    const failure = new PulsarError(code, "because.", cause === undefined ? {} : { cause: caused(cause) });
    expect(portErrorOf(failure, (option) => `X_${option}`)).toMatchObject({
      message: message.replace(/^because$/, "because."),
    });
  });

  test("the entry that cannot be read is named", () => {
    const messageId = { ledgerId: 5n, entryId: 7n, partition: 0, batchIndex: -1, batchSize: 0 };
    const failure = portErrorOf(new PulsarError("checksum_mismatch", "because", { messageId }));
    expect(failure).toMatchObject({ entry: { ledger: 5n, entry: 7n } });
  });

  test("what is none of the client's stays as it is", () => {
    const failure = new TypeError("a defect");
    expect(portErrorOf(failure)).toBe(failure);
    expect(failureOf(failure, "t/0")).toBe(failure);
  });
});

function portTo(token?: { file: string }): PulsarPort {
  const settings = settingsOf({
    ...{ serviceUrl: "pulsar://127.0.0.1:1", adminUrl: "http://127.0.0.1:1", connectTimeoutMs: 200 },
    ...(token === undefined ? {} : { token }),
  });
  const port = createProtocolPort(settings, createTokenSource(settings.token));
  onTestFinished(() => port.close());
  return port;
}

test("where nobody answers it says so, with the address", async () => {
  const port = portTo();
  await expect(port.ready()).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("127.0.0.1:1"),
  });
  expect(port.health()).toEqual({ connected: false, reason: expect.stringContaining("127.0.0.1:1") });
});

test("a token's file that cannot be read is named", async () => {
  const failure = await portTo({ file: "/no/such/token" })
    .ready()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DistributionError);
  expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining("/no/such/token") });
});
