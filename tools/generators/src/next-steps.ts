/** What a person is told once the files are there. */
import { type DomainNames, snakeCase } from "./names.ts";

/** `files`: how many were made. `lists`: the paths of those in which it is named now. */
export function nextSteps({ name, port }: DomainNames, files: number, lists: readonly string[]): string {
  const named = lists.length === 0 ? "" : `\nNamed it in ${lists.join(", ")}.\n`;
  return `Made apps/${name}-distribution, proto/${snakeCase(name)}/v1 and deploy/systemd/${name}.env: ${files} files, to listen on ${port}, ${port + 1} (gRPC) and ${port + 2} (admin).
${named}
Next:
  npm install                              links the new package
  npx buf lint                             the proto is the first thing to make your own
  npm run generate                         its types, after every change of it
  npx nx test ${name}-distribution
  npm start -- ${name}

It is watched for a p99 of 100 ms until distribution:target_seconds in deploy/prometheus/alerts.yaml says another.
`;
}
