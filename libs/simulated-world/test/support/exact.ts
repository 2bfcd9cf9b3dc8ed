/** Decimals for a reader that shares nothing with the world: exact, on one scale of 24 places. */
import { getOption } from "@bufbuild/protobuf";
import { registry } from "@distribution/proto-types/descriptors";
import { must } from "./must.ts";

const PLACES = 24;
const ONE = 10n ** BigInt(PLACES);
const CANONICAL = /^(?:0|-?(?:0\.\d*[1-9]|[1-9]\d*(?:\.\d*[1-9])?))$/;

/** Fails the test on text that is not canonical. */
export function exact(text: string): bigint {
  must(CANONICAL.test(text), `"${text}" is no canonical decimal`);
  const [whole = "", part = ""] = text.replace("-", "").split(".");
  const value = BigInt(whole + part.padEnd(PLACES, "0"));
  return text.startsWith("-") ? -value : value;
}

/** Fails the test where the product has more places than there are. */
export function times(a: bigint, b: bigint): bigint {
  const product = a * b;
  must(product % ONE === 0n, "the product is not exact");
  return product / ONE;
}

/** At so many places, half to even. */
export function quotient(a: bigint, b: bigint, places: number): bigint {
  const unit = 10n ** BigInt(PLACES - places);
  const [top, bottom] = a < 0n ? [-a, b] : [a, b];
  const scaled = top * 10n ** BigInt(places);
  const floor = scaled / bottom;
  const rest = (scaled % bottom) * 2n;
  const rounded = rest > bottom || (rest === bottom && floor % 2n === 1n) ? floor + 1n : floor;
  return (a < 0n ? -rounded : rounded) * unit;
}

const decimalOption = registry.getExtension("distribution.v1.decimal")!;

/** Names of all fields that the schemas mark as decimals. */
const DECIMAL_FIELDS: ReadonlySet<string> = new Set(
  ["portfolio", "coordination", "intelligence", "execution"].flatMap((domain) =>
    [...registry.getFile(`${domain}/v1/${domain}.proto`)!.messages].flatMap((message) =>
      message.fields.filter((field) => getOption(field, decimalOption) === true).map(({ localName }) => localName),
    ),
  ),
);

/** The first decimal of a decoded message that is not canonical; what may be left out may be empty. */
export function faultyDecimal(message: object): string | undefined {
  for (const [name, value] of Object.entries(message)) {
    if (typeof value === "string" && DECIMAL_FIELDS.has(name)) {
      if (!CANONICAL.test(value) && !(value === "" && name === "limitPrice")) return `${name} "${value}"`;
    } else if (typeof value === "object" && value !== null) {
      const inside = faultyDecimal(value);
      if (inside !== undefined) return `${name}.${inside}`;
    }
  }
  return undefined;
}
