/** The service's REST API, as the page asks it. */

/** The JSON at the address. Throws an Error with what the service's problem document says. */
export async function getJson(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail ?? `${path} answered ${response.status}`);
  return body;
}

const PREFIXES = ["", "k", "M", "G", "T"];

/** `1.25 M`: three digits and a prefix, for figures that change every second. */
export function short(value) {
  if (value === undefined) return "–";
  let step = 0;
  let scaled = value;
  for (; scaled >= 999.5 && step < PREFIXES.length - 1; step += 1) scaled /= 1000;
  const digits = scaled >= 99.95 || (step === 0 && Number.isInteger(scaled)) ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${PREFIXES[step]}`.trim();
}
