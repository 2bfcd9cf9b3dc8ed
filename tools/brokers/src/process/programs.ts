/** The programs that brokers need and npm does not install: Java and Maven. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BrokerFailure } from "./failure.ts";

const run = promisify(execFile);
const LEAST_JAVA = 17;
const INSTALL_JAVA =
  "Install Java 17 or newer (Debian, Ubuntu: openjdk-17-jre-headless; macOS: brew install openjdk@17).";
const DOWNLOAD_WITHIN_MS = 15 * 60_000;
const COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const UNPACK = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack";

export interface Java {
  readonly program: string;
  /** Such as "17.0.15": class-data archives are of one version only. */
  readonly version: string;
}

/** Java of `JAVA_HOME`, else of the path; refused when it is too old. */
export async function findJava(environment: NodeJS.ProcessEnv = process.env): Promise<Java> {
  const home = environment["JAVA_HOME"];
  const program = home ? join(home, "bin/java") : "java";
  let said: string;
  try {
    said = (await run(program, ["-version"], { env: environment })).stderr;
  } catch (cause) {
    throw new BrokerFailure(`Java does not run (${program}): ${reason(cause)}. ${INSTALL_JAVA}`, { cause });
  }
  const version = /version "([^"]+)"/.exec(said)?.[1] ?? "unknown";
  if (!(Number.parseInt(version, 10) >= LEAST_JAVA)) {
    throw new BrokerFailure(`Java ${version} (${program}) is too old. ${INSTALL_JAVA}`);
  }
  return { program, version };
}

/** The jars that the project file names as dependencies, in `folder`. */
export async function copyDependencies(projectFile: string, folder: string): Promise<void> {
  await maven(projectFile, [COPY_DEPENDENCIES, "-DincludeScope=runtime", `-DoutputDirectory=${folder}`]);
}

/** The archive that the project file names, unpacked in `folder`. */
export async function unpackArtifact(projectFile: string, folder: string): Promise<void> {
  await maven(projectFile, [UNPACK, `-Dout=${folder}`]);
}

async function maven(projectFile: string, goal: readonly string[]): Promise<void> {
  try {
    await run("mvn", ["-B", "-ntp", "-q", "-f", projectFile, ...goal], { timeout: DOWNLOAD_WITHIN_MS });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw new BrokerFailure(
        "Maven is missing (mvn): it fetches the brokers' jars. Install it (Debian, Ubuntu: maven; macOS: brew install maven).",
        { cause },
      );
    }
    throw new BrokerFailure(
      `Maven could not fetch the jars of ${projectFile}: ${reason(cause)}. Once they are fetched no network is needed; ` +
        "is repo.maven.apache.org, or the mirror of your ~/.m2/settings.xml, reachable, and is there 1 GB of room?",
      { cause },
    );
  }
}

/** What the program said last, else what the system said of it. */
function reason(failure: unknown): string {
  const { stdout = "", stderr = "", message } = failure as Error & { stdout?: string; stderr?: string };
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.includes("ERROR") && line.length > 20);
  return (lines[0] ?? message).trim();
}

/** Every jar of a folder, sorted: a class-data archive holds for one order. */
export function classPath(folder: string): string {
  if (!existsSync(folder))
    throw new BrokerFailure(`The jars are not at ${folder}: remove ${join(folder, "..")} and start again.`);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jar"))
    .sort()
    .map((name) => join(folder, name))
    .join(":");
}
