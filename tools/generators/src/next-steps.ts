/** What a person is told once the files are there. */
import { type DomainNames, snakeCase } from "./names.ts";

export function nextSteps({ name, port }: DomainNames, files: number): string {
  const member = name.includes("-") ? `"${name}"` : name;
  return `Made apps/${name}-distribution and proto/${snakeCase(name)}/v1: ${files} files, to listen on ${port}, ${port + 1} (gRPC) and ${port + 2} (admin).

Next:
  npm install                              links the new package
  npx buf lint                             the proto is the first thing to make your own
  npm run generate                         its types, after every change of it
  npx nx test ${name}-distribution
  npm start -- ${name}

What names every service has to name this one, too; npm test fails without the first two:
  deploy/prometheus/prometheus.yaml        - job_name: ${name}
                                             static_configs: [{ targets: ["localhost:${port + 2}"] }]
  deploy/prometheus/alerts.yaml            - { record: distribution:target_seconds, expr: vector(0.100), labels: { job: ${name} } }
                                           and ${name} among the jobs of DistributionDown
  tools/cli/src/service/address.ts         ${member}: ${port},
`;
}
