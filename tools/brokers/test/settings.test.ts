import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { kafkaProperties } from "../src/kafka/properties.ts";
import type { Certificates, KeyPair } from "../src/process/certificates.ts";
import { propertiesText } from "../src/process/properties.ts";
import { pulsarSettings } from "../src/pulsar/configuration.ts";
import { createToken } from "../src/pulsar/token.ts";

const pair: KeyPair = {
  key: "",
  certificate: "",
  bothFile: "/c/both.pem",
  keyFile: "/c/key.p8",
  certificateFile: "/c/certificate.pem",
};
const certificates: Certificates = { authority: "", authorityFile: "/c/authority.pem", broker: pair, client: pair };

describe("the properties of Kafka", () => {
  const listeners = { client: 1001, advertised: 1001, direct: 1002, controller: 1003 };

  it("are one a line", () => {
    expect(propertiesText({ a: 1, "b.c": true, d: "x=y" })).toBe("a=1\nb.c=true\nd=x=y\n");
  });

  it("name each listener, on loopback alone, and tell clients where they came in", () => {
    expect(kafkaProperties("/data", listeners)).toMatchObject({
      "log.dirs": "/data",
      listeners: "CLIENT://127.0.0.1:1001,DIRECT://127.0.0.1:1002,CONTROLLER://127.0.0.1:1003",
      "advertised.listeners": "CLIENT://127.0.0.1:1001,DIRECT://127.0.0.1:1002",
      "listener.security.protocol.map": "CLIENT:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
      "controller.quorum.voters": "1@127.0.0.1:1003",
    });
  });

  it("tell clients the proxy's port", () => {
    const { listeners: bound, "advertised.listeners": told } = kafkaProperties("/data", {
      ...listeners,
      advertised: 9,
    });
    expect(bound).toContain("CLIENT://127.0.0.1:1001,");
    expect(told).toContain("CLIENT://127.0.0.1:9,");
  });

  it.each([
    [{ auth: "plain" }, "SASL_PLAINTEXT"],
    [{ auth: "scram", tls: true, certificates }, "SASL_SSL"],
    [{ tls: true, certificates }, "SSL"],
    [{ tls: "mutual", certificates }, "SSL"],
  ] as const)("close the way of clients by what is asked for, and that alone: %j", (security, protocol) => {
    const properties = kafkaProperties("/data", listeners, security);
    expect(properties["listener.security.protocol.map"]).toBe(
      `CLIENT:${protocol},DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    );
  });

  it("say who may log in, and how", () => {
    expect(kafkaProperties("/data", listeners, { auth: "plain" })).toMatchObject({
      "listener.name.client.sasl.enabled.mechanisms": "PLAIN",
      "listener.name.client.plain.sasl.jaas.config": expect.stringContaining('user_distribution="distribution-secret"'),
    });
    expect(kafkaProperties("/data", listeners, { auth: "scram" })).toMatchObject({
      "listener.name.client.sasl.enabled.mechanisms": "SCRAM-SHA-512",
      "listener.name.client.scram-sha-512.sasl.jaas.config": expect.stringContaining("ScramLoginModule"),
    });
  });

  it("ask clients for a certificate under mutual TLS only", () => {
    const asked = (tls: true | "mutual") =>
      kafkaProperties("/data", listeners, { tls, certificates })["listener.name.client.ssl.client.auth"];
    expect(asked(true)).toBe("none");
    expect(asked("mutual")).toBe("required");
  });

  it("give way to those that a test names", () => {
    expect(kafkaProperties("/data", listeners, {}, { "node.id": 7 })).toMatchObject({ "node.id": 7 });
  });
});

describe("the settings of Pulsar", () => {
  const listeners = { client: 1001, advertised: 1009, direct: 1002, web: 1003, webTls: 1004 };

  it("send each client back to where it came in: the proxy, or past it", () => {
    expect(pulsarSettings(listeners)).toMatchObject({
      brokerServicePort: 1002,
      webServicePort: 1003,
      bindAddresses: "client:pulsar://127.0.0.1:1001",
      advertisedListeners: "direct:pulsar://127.0.0.1:1002,client:pulsar://127.0.0.1:1009",
      internalListenerName: "direct",
    });
    // The two exclude each other.
    expect(pulsarSettings(listeners)).not.toHaveProperty("advertisedAddress");
    expect(pulsarSettings(listeners)).not.toHaveProperty("webServicePortTls");
    expect(pulsarSettings(listeners)).not.toHaveProperty("authenticationEnabled");
  });

  it("close the way of clients by TLS, and leave the direct one open", () => {
    expect(pulsarSettings(listeners, { certificates })).toMatchObject({
      bindAddresses: "client:pulsar+ssl://127.0.0.1:1001",
      advertisedListeners: "direct:pulsar://127.0.0.1:1002,client:pulsar+ssl://127.0.0.1:1009",
      webServicePortTls: 1004,
      tlsCertificateFilePath: "/c/certificate.pem",
      tlsKeyFilePath: "/c/key.p8",
    });
  });

  it("give the broker's own clients a token that it takes", () => {
    const secret = Buffer.alloc(32, 7);
    const settings = pulsarSettings(listeners, { secret });
    expect(settings["tokenSecretKey"]).toBe(`data:;base64,${secret.toString("base64")}`);
    expect(JSON.parse(String(settings["brokerClientAuthenticationParameters"]))).toEqual({
      token: createToken("admin", secret),
    });
  });

  it("give way to those that a test names", () => {
    expect(pulsarSettings(listeners, {}, { maxMessageSize: 7 })).toMatchObject({ maxMessageSize: 7 });
  });
});

describe("a token", () => {
  it("names the role, signed with the secret", () => {
    const secret = Buffer.from("secret");
    const [header, claims, signature] = createToken("reader", secret).split(".");
    expect(JSON.parse(Buffer.from(header!, "base64url").toString())).toEqual({ alg: "HS256", typ: "JWT" });
    expect(JSON.parse(Buffer.from(claims!, "base64url").toString())).toEqual({ sub: "reader" });
    expect(signature).toBe(createHmac("sha256", secret).update(`${header}.${claims}`).digest("base64url"));
  });
});
