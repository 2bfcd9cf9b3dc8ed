/**
 * Stands for Java where what is tested is what happens around it: says its version, formats folders, and is a broker as far as
 * being ready, asked and ended goes. A property `fake.words` makes it write that and end.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";

const words = process.argv.slice(2);
const after = (word: string): string => words[words.indexOf(word) + 1] ?? "";
const readProperties = (file: string): Map<string, string> =>
  new Map(
    readFileSync(file, "utf8")
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
const failed = (properties: Map<string, string>): boolean => {
  const said = properties.get("fake.words");
  if (said !== undefined) console.error(said);
  return said !== undefined;
};

const archive = words.find((word) => word.startsWith("-XX:ArchiveClassesAtExit="))?.split("=")[1];
process.on("SIGTERM", () => {
  if (archive !== undefined) writeFileSync(archive, "classes");
  process.exit(143);
});

if (words.includes("-version")) {
  console.error(`openjdk version "${process.env["FAKE_JAVA_VERSION"] ?? "21.0.2"}" 2024-01-16`);
} else if (words.includes("kafka.tools.StorageTool")) {
  const folder = readProperties(after("-c")).get("log.dirs")!;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/meta.properties`, "version=1\nnode.id=1\ndirectory.id=one\n");
} else if (words.includes("kafka.Kafka")) {
  const properties = readProperties(after("kafka.Kafka"));
  if (failed(properties)) process.exit(1);
  const direct = /DIRECT:\/\/127\.0\.0\.1:(\d+)/.exec(properties.get("listeners")!)![1];
  const server = createServer((socket) => socket.on("data", (asked) => socket.write(asked)));
  server.listen(Number(direct), "127.0.0.1", () => console.error("Kafka Server started"));
} else {
  const properties = readProperties(after("--config"));
  if (failed(properties)) process.exit(1);
  const answers: Readonly<Record<string, string>> = {
    "/admin/v2/tenants": '["public"]',
    "/admin/v2/namespaces/public": '["public/default"]',
    "/admin/v2/brokers/health": "ok",
  };
  const server = createHttpServer((request, response) => {
    const allowed = properties.get("authenticationEnabled") !== "true" || request.headers.authorization !== undefined;
    response.statusCode = allowed ? 200 : 401;
    response.end(answers[request.url ?? ""] ?? "");
  });
  server.listen(Number(properties.get("webServicePort")), "127.0.0.1");
}
