/** `npm start -- --brokers <which>`: which broker each service is told to keep its logs on, and where the one of this checkout is. */
import { PRODUCTION, readState } from "@distribution/brokers";
import { variableOf } from "@distribution/core";

export const BROKER_SETS = ["embedded", "kafka", "pulsar", "production"] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment with what `which` adds; what is set in it already stays. Throws RangeError for another word than those of
 * `BROKER_SETS`, or when `npm run brokers` has not started what is needed.
 */
export function withBrokers(
  root: string,
  services: readonly string[],
  which: string,
  environment: Environment,
): Environment {
  if (!BROKER_SETS.some((each) => each === which)) {
    throw new RangeError(`There is no set of brokers "${which}"; say one of ${BROKER_SETS.join(", ")}.`);
  }
  const added: Record<string, string> = {};
  for (const service of services) {
    const broker = which === "production" ? PRODUCTION[service] : which;
    if (broker === undefined) continue;
    const settings = broker === "kafka" ? kafka(root) : broker === "pulsar" ? pulsar(root) : {};
    for (const [name, value] of Object.entries({ BROKER: broker, ...settings }))
      added[variableOf(service, name)] = value;
  }
  return { ...added, ...environment };
}

function kafka(root: string): Record<string, string> {
  const { port } = started(root, "kafka");
  return { KAFKA_BROKERS: `127.0.0.1:${port}` };
}

function pulsar(root: string): Record<string, string> {
  const { port, adminPort } = started(root, "pulsar");
  return { PULSAR_URL: `pulsar://127.0.0.1:${port}`, PULSAR_ADMIN_URL: `http://127.0.0.1:${adminPort}` };
}

function started(root: string, name: "kafka" | "pulsar") {
  const state = readState(root, name);
  if (state === undefined)
    throw new RangeError(`${name} was not started here; start it with: npm run brokers -- start ${name}`);
  if (state.tls || state.auth) {
    throw new RangeError(
      `${name} was started with TLS or authentication; set the services' own settings for it, or start it without.`,
    );
  }
  return state;
}
