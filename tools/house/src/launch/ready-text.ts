/** What a person wants to know when everything is ready: where to look at each service. */
import type { ServiceProcess } from "./service-process.ts";

export function readyText(services: readonly ServiceProcess[], environment: NodeJS.ProcessEnv): string {
  const width = Math.max(...services.map(({ name }) => name.length));
  const lines = services.flatMap(({ name, report }) => {
    if (!report) return [];
    const url = `http://localhost:${report.ports.public}`;
    // The command line client knows the port that a service has when nothing is set.
    const moved = environment[`${name.toUpperCase().replaceAll("-", "_")}_PORT`] !== undefined;
    return [
      `  ${name.padEnd(width)}  ${url}/   docs ${url}/docs   process ${report.pid}`,
      `  ${" ".repeat(width)}  npm run --silent cli -- tail '${name}.>'${moved ? ` --url ${url}` : ""}`,
    ];
  });
  return ["", "Ready. Ctrl-C stops everything.", "", ...lines, ""].join("\n");
}
