/** A machine with a Java and a Maven of ours. Undone after the test. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

const JAVA = `#!/bin/sh\nexec "${process.execPath}" "${join(import.meta.dirname, "fake-java.ts")}" "$@"\n`;

/** Makes the folder it is told, with one jar, and counts its calls; fails with FAKE_MAVEN_FAILS. */
const MAVEN = `#!/bin/sh
PATH=/usr/bin:/bin
echo call >> "$FAKE_MACHINE/maven-calls"
if [ -n "$FAKE_MAVEN_FAILS" ]; then echo "[ERROR] Could not transfer artifact from central: Connection timed out"; exit 1; fi
for word in "$@"; do
  case "$word" in
    -DoutputDirectory=*) folder="\${word#*=}" ;;
    -Dout=*) folder="\${word#*=}/apache-pulsar-4.0.8/lib" ;;
  esac
done
mkdir -p "$folder" && touch "$folder/broker.jar"
`;

export interface FakeMachine extends Disposable {
  readonly folder: string;
  readonly cache: string;
  /** Programs are looked for among these alone. */
  install(name: "java" | "mvn", script?: string): void;
}

/** `shared`: a cache that several machines have; default an empty one. */
export function createFakeMachine(shared?: string): FakeMachine {
  const folder = mkdtempSync(join(tmpdir(), "brokers-machine-"));
  const cache = shared ?? join(folder, "cache");
  const programs = join(folder, "bin");
  mkdirSync(programs);
  vi.stubEnv("FAKE_MACHINE", folder);
  vi.stubEnv("BROKERS_CACHE", cache);
  vi.stubEnv("JAVA_HOME", folder);
  vi.stubEnv("PATH", programs);
  const install: FakeMachine["install"] = (name, script = name === "java" ? JAVA : MAVEN) => {
    writeFileSync(join(programs, name), script);
    chmodSync(join(programs, name), 0o755);
  };
  install("java");
  install("mvn");
  return {
    folder,
    cache,
    install,
    [Symbol.dispose]() {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
