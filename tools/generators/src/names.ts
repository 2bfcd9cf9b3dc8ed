/** The words that a template is written with, and what becomes of them: text and paths alike. */

export interface DomainNames {
  /** Words of a-z and digits with "-" between, such as `market-data`. */
  readonly name: string;
  /** Likewise, such as `rate-set`. */
  readonly event: string;
  /** The public one; gRPC and admin are the next two. */
  readonly port: number;
}

/** What the templates are about: a domain and an event of two words each, so that every case of them is another text. */
export const TEMPLATE: DomainNames = { name: "new-domain", event: "some-event", port: 7060 };

const words = (name: string): readonly string[] => name.split("-");
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export const snakeCase = (name: string): string => name.replaceAll("-", "_");
export const constantCase = (name: string): string => snakeCase(name).toUpperCase();
export const pascalCase = (name: string): string => words(name).map(capital).join("");
export const camelCase = (name: string): string => {
  const [first = "", ...rest] = words(name);
  return first + rest.map(capital).join("");
};

const CASES = [(name: string) => name, snakeCase, constantCase, pascalCase, camelCase];

/** Puts the domain's names where a template has its own. */
export function filler(domain: DomainNames): (text: string) => string {
  const pairs = new Map<string, string>();
  for (const inCase of CASES) {
    pairs.set(inCase(TEMPLATE.name), inCase(domain.name));
    pairs.set(inCase(TEMPLATE.event), inCase(domain.event));
  }
  for (const offset of [0, 1, 2]) pairs.set(String(TEMPLATE.port + offset), String(domain.port + offset));
  // All in one pass: what was put in is not looked at again.
  const any = new RegExp([...pairs.keys()].join("|"), "g");
  return (text) => text.replace(any, (word) => pairs.get(word)!);
}
