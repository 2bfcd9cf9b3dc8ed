import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readServiceSettings, readSettings, serviceSettings } from "../../src/config.ts";
import { openDataFolder, secretOf } from "../../src/data-folder.ts";
import { DistributionError } from "../../src/errors.ts";
import { folder } from "../tail/support.ts";

const shape = serviceSettings("test", { port: 7030, grpcPort: 7031, adminPort: 7032 });
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
    ["", false],
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
    const error = refusal({ TEST_DATA_DIR: "", TEST_PORT: "x", TEST_LOG_LEVEL: "loud", TEST_HOST: "" });
    expect(error.code).toBe("invalid_request");
    expect(error.errors.map(({ path }) => path).sort()).toEqual([
      "TEST_DATA_DIR",
      "TEST_HOST",
      "TEST_LOG_LEVEL",
      "TEST_PORT",
    ]);
    expect(error.message).toContain("TEST_LOG_LEVEL");
  });

  it.each([
    [
      { TEST_PORT: "70000" },
      'TEST_PORT: "70000" is not taken; set a whole number from 0 up to 65535, or leave it out for 7030. HTTP,',
    ],
    [{ TEST_LOG_LEVEL: "loud" }, '"loud" is not taken; set one of debug, info, warn, error, silent, or leave it out'],
    [{ TEST_HOSTS: "*" }, 'TEST_HOSTS: "*" is not taken; set names or addresses, comma-separated, without scheme'],
    [{ TEST_HOST: "" }, 'TEST_HOST: "" is not taken; set a text that is not empty, or leave it out for "127.0.0.1"'],
    [
      { TEST_DATA_DIR: "" },
      'TEST_DATA_DIR: "" is not taken; set a text that is not empty, or leave it out for "data/test"',
    ],
  ])("that are wrong are told as they were typed, with the bound and what to do: %j", (environment, message) => {
    expect(refusal({ TEST_DATA_DIR: "/data", ...environment }).message).toContain(message);
  });

  it("of the apps have their bounds told too, and secrets are not", () => {
    const own = {
      SPEED: z.union([z.literal("max"), z.coerce.number().positive().max(10)]).default(1),
      TOKEN: z.string().min(12),
    };
    const read = () => readSettings("TEST", own, { TEST_SPEED: "fast", TEST_TOKEN: "hunter2" });
    expect(read).toThrow(
      'TEST_SPEED: "fast" is not taken; set max, or a number above 0 up to 10, or leave it out for 1.',
    );
    expect(read).toThrow("TEST_TOKEN: its value (not shown) is not taken; set a text");
    expect(read).not.toThrow("hunter2");
  });

  it("that nobody knows are refused with the names that are known", () => {
    const error = refusal({ TEST_DATA_DIR: "/data", TEST_PROT: "1", TEST_HOTS: "2" });
    expect(error.errors.map(({ path }) => path)).toEqual(["TEST_PROT", "TEST_HOTS"]);
    expect(error.message).toContain("TEST_PORT");
  });
});

describe("the broker's settings", () => {
  const open = () => Promise.reject(new Error("Nobody opens it."));
  const brokers = {
    here: { settings: {}, open },
    far: { settings: { FAR_SERVERS: z.string().min(1), FAR_WAIT_MS: z.coerce.number().int().default(5) }, open },
  };
  const read = (environment: Record<string, string>) => readServiceSettings("my-test", shape, brokers, environment);

  it("are those of the first, where none is chosen", () => {
    expect(read({ MY_TEST_PORT: "1" })).toMatchObject({ BROKER: "here", PORT: 1 });
  });

  it("are read with the service's own when theirs is chosen", () => {
    const settings = read({ MY_TEST_BROKER: "far", MY_TEST_FAR_SERVERS: "a:1" });
    expect(settings).toMatchObject({ BROKER: "far", FAR_SERVERS: "a:1", FAR_WAIT_MS: 5, PORT: 7030 });
    expect(() => read({ MY_TEST_BROKER: "far", MY_TEST_FAR_WAIT_MS: "x" })).toThrow(
      /MY_TEST_FAR_SERVERS: is not set; .*\n.*MY_TEST_FAR_WAIT_MS: "x" is not taken/,
    );
  });

  it("of another one are left alone, whatever they are; of none, refused", () => {
    const settings = read({ MY_TEST_BROKER: "here", MY_TEST_FAR_WAIT_MS: "x" });
    expect(settings).not.toHaveProperty("FAR_WAIT_MS");
    expect(() => read({ MY_TEST_FAR_WAITING: "1" })).toThrow("MY_TEST_FAR_WAITING: no such setting");
  });

  it("are of no broker that there is not: the choice is refused with those that there are, and nothing else is", () => {
    for (const wrong of ["near", "constructor", ""]) {
      expect(() => read({ MY_TEST_BROKER: wrong, MY_TEST_FAR_SERVERS: "" })).toThrow(
        expect.objectContaining({
          code: "invalid_request",
          errors: [
            { path: "MY_TEST_BROKER", message: expect.stringContaining("set one of here, far, or leave it out") },
          ],
        }),
      );
    }
  });
});

/** A user without rights: root may do everything. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

describe("the data folder", () => {
  const refused = (path: string, reason: string) =>
    expect(() => openDataFolder("TEST_DATA_DIR", path)).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message: expect.stringMatching(
          `^TEST_DATA_DIR: the data folder ${path} cannot be used: ${reason}.*Set a folder`,
        ),
      }),
    );

  it("is made, with those above it, and told as an absolute path", () => {
    const path = join(folder(), "a", "b");
    expect(openDataFolder("TEST_DATA_DIR", path)).toBe(path);
    expect(openDataFolder("TEST_DATA_DIR", path)).toBe(path);
    expect(existsSync(path)).toBe(true);
    expect(openDataFolder("TEST_DATA_DIR", ".")).toBe(process.cwd());
  });

  it("cannot be a file, or below one", () => {
    const file = join(folder(), "file");
    writeFileSync(file, "");
    refused(file, "it is a file .EEXIST");
    refused(join(file, "data"), "a part of the path is a file .ENOTDIR");
  });

  it.runIf(existsSync("/proc"))("cannot be where no folder can be made", () => {
    refused("/proc/distribution/data", "ENOENT: no such file or directory, mkdir");
  });

  it.skipIf(isRoot)("has to be writable", () => {
    const path = folder();
    chmodSync(path, 0o500);
    refused(path, "this process has no right to .EACCES");
    refused(join(path, "data"), "this process has no right to .EACCES");
  });

  it.runIf(isRoot)("has to be writable for the user that the service runs as", () => {
    const path = join(folder(), "of-root");
    mkdirSync(path);
    chmodSync(join(path, ".."), 0o755);
    // Loaded as root: the checkout may be where nobody else can read.
    const program = `
      const { openDataFolder } = await import("${join(import.meta.dirname, "../../src/data-folder.ts")}");
      process.setuid(${NOBODY});
      try { openDataFolder("TEST_DATA_DIR", "${path}"); } catch (failure) { console.log(failure.message); }`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    expect(stdout).toContain(`${path} cannot be used: this process has no right to (EACCES, as user ${NOBODY}).`);
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

  it("that cannot be made or read is told with its file and the reason", () => {
    const path = join(folder(), "missing", "secret");
    expect(() => secretOf(path)).toThrow(`The secret ${path} cannot be read or made: ENOENT`);
  });
});
