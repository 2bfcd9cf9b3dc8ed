/** For tests that need something of the machine: in CI it has to be there, elsewhere its absence is said. */
export function skippedFor(missing: string | undefined): boolean {
  if (missing === undefined) return false;
  if (process.env["CI"]) throw new Error(`This test runs in CI, and ${missing}.`);
  console.warn(`Skipped: ${missing}.`);
  return true;
}
