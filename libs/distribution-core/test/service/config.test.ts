import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSettings, secretOf, serviceSettings } from "../../src/config.ts";
import { DistributionError } from "../../src/errors.ts";
import { folder } from "../tail/support.ts";

const shape = serviceSettings({ port: 7030, grpcPort: 7031, adminPort: 7032 });
const read = (environment: Record<string, string>) =>
  readSettings("TEST", shape, { TEST_DATA_DIR: "/data", ...environment });

function refusal(environment: Record<string, string | undefined>): DistributionError {
  try {
    readSettings("TEST", shape, environment);
  } catch (failure) {
    if (failure instanceof DistributionError) return failure;
  }
  throw new Error("It was accepted.");
}

describe("settings", () => {
  it("have their defaults: loopback, the domain's ports, log level info", () => {
    expect(read({})).toEqual({
      ...{ HOST: "127.0.0.1", PORT: 7030, GRPC_PORT: 7031, ADMIN_PORT: 7032 },
      ...{ DATA_DIR: "/data", LOG_LEVEL: "info", ORIGINS: [], HOSTS: [] },
    });
  });

  it("come from variables of the prefix, and from no others", () => {
    const settings = read({ TEST_PORT: "0", TEST_ORIGINS: "https://a,,https://b", TESTPORT: "1", OTHER_PORT: "2" });
    expect([settings.PORT, settings.ORIGINS]).toEqual([0, ["https://a", "https://b"]]);
  });

  it.each([
    ["-1", false],
    ["0", true],
    ["65535", true],
    ["65536", false],
    ["1.5", false],
    ["http", false],
  ])("take port %s: %s", (value, taken) => {
    if (taken) expect(read({ TEST_PORT: value }).PORT).toBe(Number(value));
    else expect(refusal({ TEST_DATA_DIR: "/data", TEST_PORT: value }).errors[0]?.path).toBe("TEST_PORT");
  });

  it("list hosts by name or address, with or without a port", () => {
    const hosts = (value: string) => read({ TEST_HOSTS: value }).HOSTS;
    expect(hosts("desk.example, [fd00::1]:80,,fd00::2")).toEqual(["desk.example", "[fd00::1]:80", "fd00::2"]);
    for (const wrong of ["*", "https://desk.example", "desk.example/x", "a b"]) {
      expect(refusal({ TEST_DATA_DIR: "/data", TEST_HOSTS: wrong }).errors[0]?.path).toBe("TEST_HOSTS");
    }
  });

  it("that are wrong are refused all at once, each by the name of its variable", () => {
    const error = refusal({ TEST_PORT: "x", TEST_LOG_LEVEL: "loud", TEST_HOST: "" });
    expect(error.code).toBe("invalid_request");
    expect(error.errors.map(({ path }) => path).sort()).toEqual([
      "TEST_DATA_DIR",
      "TEST_HOST",
      "TEST_LOG_LEVEL",
      "TEST_PORT",
    ]);
    expect(error.message).toContain("TEST_LOG_LEVEL");
  });

  it("that nobody knows are refused with the names that are known", () => {
    const error = refusal({ TEST_DATA_DIR: "/data", TEST_PROT: "1" });
    expect(error.errors.map(({ path }) => path)).toEqual(["TEST_PROT"]);
    expect(error.message).toContain("TEST_PORT");
  });
});

describe("the secret", () => {
  it("is made once, of 32 random bytes that only the owner can read, and is the same at the next start", () => {
    const path = join(folder(), "secret");
    const secret = secretOf(path);
    expect(secret).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(secretOf(path)).toEqual(secret);
    expect(secretOf(join(folder(), "secret"))).not.toEqual(secret);
  });

  it.each([
    [31, false],
    [32, true],
    [33, true],
  ])("of %d bytes is taken: %s", (bytes, taken) => {
    const path = join(folder(), "secret");
    writeFileSync(path, Buffer.alloc(bytes, 1));
    if (taken) expect(secretOf(path)).toEqual(readFileSync(path));
    else expect(() => secretOf(path)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });

  it("that cannot be written is an error of its own", () => {
    expect(() => secretOf(join(folder(), "missing", "secret"))).toThrow("ENOENT");
  });
});
