/** Names near to one that does not exist, for messages. */

const MAX_SUGGESTIONS = 3;

/** `; did you mean "price"?`, or nothing when no name is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const wanted = name.toLowerCase();
  const near = [...names]
    .map((candidate) => ({ candidate, distance: distanceTo(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, MAX_SUGGESTIONS)
    .map(({ candidate }) => JSON.stringify(candidate));
  return near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
}

/** Edits between two names; 1 where one is a part of the other, between separators: BUY and SIDE_BUY. */
function distanceTo(a: string, b: string): number {
  if (a.length > 1 && (b.endsWith(`_${a}`) || b.endsWith(`.${a}`) || b.startsWith(`${a}_`))) return 1;
  return Math.min(levenshtein(a, b), levenshtein(a.replaceAll("_", ""), b.replaceAll("_", "")) + 1);
}

function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
