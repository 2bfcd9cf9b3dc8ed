/** What a new domain may be called and where it may listen. All throw RangeError with what to do instead. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packagesOf, portsOf, servicesOf } from "./checkout.ts";
import { type DomainNames, pascalCase, snakeCase } from "./names.ts";

const WORDS = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const RULE = 'words of a-z and 0-9 with "-" between, the first character a letter';
/** Of the payload of every template: an event has a field of its own beside them. */
const PAYLOAD_FIELDS = ["instrument", "event-time", "payload"];

/** Services are ten ports apart: public, gRPC, admin, and room. */
const PORT_STEP = 10;
const FIRST_PORT = 7060;
const PORTS = { min: 1024, max: 65_533 } as const;

/** In every one of the checkouts. */
export function checkNames(roots: readonly string[], { name, event }: Omit<DomainNames, "port">): void {
  if (!WORDS.test(name)) throw new RangeError(`The name "${name}" can't be: give ${RULE}, such as repo-rates.`);
  if (!WORDS.test(event)) throw new RangeError(`--event "${event}" can't be: give ${RULE}, such as rate-set.`);
  if (PAYLOAD_FIELDS.includes(event) || pascalCase(event) === `${pascalCase(name)}Event`) {
    throw new RangeError(`--event "${event}" is the name of something else in the payload; give another.`);
  }
  for (const root of roots) checkFree(root, name);
}

function checkFree(root: string, name: string): void {
  for (const folder of [`apps/${name}-distribution`, `proto/${snakeCase(name)}`]) {
    if (existsSync(join(root, folder))) throw new RangeError(`${folder} is there already; give another name.`);
  }
  if (packagesOf(root).has(`@distribution/${name}`)) {
    throw new RangeError(`@distribution/${name} is another package's name; give another name.`);
  }
  // A service refuses variables of its prefix that it does not know, and MARKET_DATA_PORT has the prefix MARKET_, too.
  const close = servicesOf(root).find((other) => name.startsWith(`${other}-`) || other.startsWith(`${name}-`));
  if (close !== undefined) {
    const message = `"${name}" and "${close}" can't be told apart by the prefix of their settings; give another name.`;
    throw new RangeError(message);
  }
}

/** The given port where it and the next two are free, or the first such above all that are in use. */
export function choosePort(roots: readonly string[], given?: string): number {
  const used = new Map(roots.flatMap((root) => [...portsOf(root)]));
  const above = Math.max(FIRST_PORT - 1, ...used.keys()) + 1;
  const free = Math.ceil(above / PORT_STEP) * PORT_STEP;
  if (given === undefined) return free;
  const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (!(port >= PORTS.min && port <= PORTS.max)) {
    throw new RangeError(`--port "${given}" can't be: give a whole number from ${PORTS.min} to ${PORTS.max}.`);
  }
  const taken = [port, port + 1, port + 2].find((each) => used.has(each));
  if (taken !== undefined) {
    throw new RangeError(`--port ${port}: ${taken} is ${used.get(taken)}'s; it takes three in a row, such as ${free}.`);
  }
  return port;
}
