import { describe, expect, it } from "vitest";
import { createSealer } from "../../src/security/index.ts";

const secret = (fill: number, bytes = 32): Uint8Array => new Uint8Array(bytes).fill(fill);

describe("a sealer", () => {
  it("needs a secret of 32 bytes or more", () => {
    expect(() => createSealer(secret(1, 31), "a")).toThrow("secret: has 31 bytes; at least 32");
    expect(() => createSealer(secret(1, 32), "a")).not.toThrow();
    expect(() => createSealer(secret(1, 33), "a")).not.toThrow();
  });

  it("opens what it sealed", () => {
    const sealer = createSealer(secret(1), "a");
    expect(sealer.open("kind", sealer.seal("kind", { n: [1, "x"] }), "cursor")).toEqual({ n: [1, "x"] });
  });

  it("knows the tokens of another kind, owner or secret for forged", () => {
    const token = createSealer(secret(1), "a").seal("kind", 1);
    const refused = { code: "invalid_token", errors: [{ path: "from.token" }] };
    expect(() => createSealer(secret(1), "a").open("other", token, "from.token")).toThrow(
      expect.objectContaining({ code: "invalid_token" }),
    );
    expect(() => createSealer(secret(1), "b").open("kind", token, "from.token")).toThrow(
      expect.objectContaining({ code: "invalid_token" }),
    );
    expect(() => createSealer(secret(2), "a").open("kind", token, "from.token")).toThrow(
      expect.objectContaining({ code: refused.code }),
    );
  });

  it.each([
    ["nothing", ""],
    ["text", "abc"],
    ["a part too many", "a.b.c"],
    ["a damaged signature", "eyJhIjoxfQ.AAAAAAAAAAAAAAAAAAAAAA"],
    ["a megabyte", "a".repeat(1024 * 1024 + 1)],
  ])("refuses %s", (_name, token) => {
    const sealer = createSealer(secret(1), "a");
    expect(() => sealer.open("kind", token, "query.cursor")).toThrow("query.cursor: is no token of this service");
  });

  it("refuses a token of which one byte was changed, wherever it is", () => {
    const sealer = createSealer(secret(1), "a");
    const token = sealer.seal("kind", { offset: "12" });
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      expect(() => sealer.open("kind", changed, "cursor")).toThrow("cursor");
    }
  });
});
