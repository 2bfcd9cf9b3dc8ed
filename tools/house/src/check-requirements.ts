/** Fails when a wish of the mission is lost or reworded, or when docs/capabilities.tsv claims what is not there. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderRequirements } from "./requirements/render.ts";
import {
  type Mark,
  MISSION_COLUMNS,
  readMarks,
  readWishes,
  STATES,
  servicesOf,
  type Wish,
} from "./requirements/wishes.ts";

/** SHA-256 of the mission's table as it was given: its header and 470 rows, five columns, tabs and newlines. */
const MISSION = "c1a88dd026ecdb381aa58fc424042941309a3220265daac8dab305643193a6f0";

const DOCUMENT = "docs/requirements.md";

export function checkRequirements(root: string, mission: string = MISSION): readonly string[] {
  const wishes = readWishes(root);
  const marks = readMarks(root);
  const findings = [...judgeMission(wishes, mission), ...judgeMarks(root, wishes, marks)];
  if (findings.length > 0) return findings;
  const current = existsSync(join(root, DOCUMENT)) ? readFileSync(join(root, DOCUMENT), "utf8") : "";
  if (current === renderRequirements(wishes, marks)) return [];
  return [`${DOCUMENT} is older than its tables: run \`npm run requirements\``];
}

/** Brings docs/requirements.md up to date. */
export function writeRequirements(root: string): void {
  writeFileSync(join(root, DOCUMENT), renderRequirements(readWishes(root), readMarks(root)));
}

function judgeMission(wishes: readonly Wish[], mission: string): readonly string[] {
  const lines = [MISSION_COLUMNS, ...wishes.map((wish) => MISSION_COLUMNS.map((column) => wish[column]))];
  const text = `${lines.map((cells) => cells.join("\t")).join("\n")}\n`;
  const same = createHash("sha256").update(text).digest("hex") === mission;
  return same ? [] : ["docs/requirements.tsv: the first five columns are not the mission's rows any more"];
}

function judgeMarks(root: string, wishes: readonly Wish[], marks: readonly Mark[]): readonly string[] {
  const seen = new Set<string>();
  return marks.flatMap((mark, index) => {
    const at = `docs/capabilities.tsv:${index + 2} ${mark.capability}`;
    const claims = servicesOf(mark).map((service) => `${mark.capability} ${service}`);
    const twice = claims.filter((claim) => seen.has(claim));
    for (const claim of claims) seen.add(claim);
    return [
      ...twice.map((claim) => `${at}: a second line for ${claim}`),
      ...servicesOf(mark).flatMap((service) => judgeService(root, wishes, mark, service).map((why) => `${at}: ${why}`)),
      ...judgeClaim(root, mark).map((why) => `${at}: ${why}`),
    ];
  });
}

function judgeService(root: string, wishes: readonly Wish[], mark: Mark, service: string): readonly string[] {
  if (!wishes.some((wish) => wish.capability === mark.capability && wish.service === service))
    return [`no wish of "${service}" asks for it`];
  const main = `apps/${service}-distribution/src/main.ts`;
  return mark.state === "not yet" || existsSync(join(root, main))
    ? []
    : [`${service} has no ${main} that could keep it`];
}

function judgeClaim(root: string, { state, where, test, note }: Mark): readonly string[] {
  if (!STATES.some((known) => known === state)) return [`state "${state}" is none of ${STATES.join(", ")}`];
  if (state === "not yet") return [];
  return [
    ...(where !== "" && existsSync(join(root, where)) ? [] : [`where: there is no "${where}"`]),
    ...(test !== "" && existsSync(join(root, test)) ? [] : [`test: there is no "${test}"`]),
    ...(state === "partly" && note === "" ? ["note: say what is missing"] : []),
  ];
}
