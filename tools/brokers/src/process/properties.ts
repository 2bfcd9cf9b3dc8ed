/** Settings as both brokers read them: a name and a value a line. */
export type Properties = Readonly<Record<string, string | number | boolean>>;

export function propertiesText(properties: Properties): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
