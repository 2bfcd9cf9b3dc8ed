/** docs/requirements.md from the two tables. */
import { type Mark, markOf, STATES, type State, type Wish } from "./wishes.ts";

export function renderRequirements(wishes: readonly Wish[], marks: readonly Mark[]): string {
  const services = [...new Set(wishes.map(({ service }) => service))];
  return [
    "# Requirements",
    "",
    "Every wish of the mission and how far it is kept. Generated from [requirements.tsv](requirements.tsv) (the mission's",
    "rows, each with the capability that fulfils it) and [capabilities.tsv](capabilities.tsv) (state, place and test of a",
    "capability, by service) with `npm run requirements`. *Done* is shown by the test named beside it, *partly* says what is",
    "missing, and whatever has no line in capabilities.tsv is *not yet*.",
    "",
    renderCounts(services, wishes, marks),
    ...services.map((service) => renderService(service, wishes, marks)),
  ].join("\n");
}

function renderCounts(services: readonly string[], wishes: readonly Wish[], marks: readonly Mark[]): string {
  const counts = (own: readonly Wish[]): string =>
    STATES.map((state) => own.filter((wish) => stateOf(wish, marks) === state).length).join(" | ");
  return [
    `| service | ${STATES.join(" | ")} |`,
    "|---|---|---|---|",
    ...services.map((service) => `| ${service} | ${counts(wishes.filter((wish) => wish.service === service))} |`),
    `| all | ${counts(wishes)} |`,
    "",
  ].join("\n");
}

function renderService(service: string, wishes: readonly Wish[], marks: readonly Mark[]): string {
  const own = wishes.filter((wish) => wish.service === service);
  return [
    `## ${service}`,
    "",
    "| story | wish | state | where it lives | test |",
    "|---|---|---|---|---|",
    ...own.map((wish) => {
      const mark = markOf(wish, marks);
      const state = mark?.note ? `${mark.state}: ${mark.note}` : stateOf(wish, marks);
      const cells = [storyOf(wish), wish.bullet, state, link(mark?.where), link(mark?.test)];
      return `| ${cells.map(escapeCell).join(" | ")} |`;
    }),
    "",
  ].join("\n");
}

/** Stories have numbers; the mission's gates have only titles. */
const storyOf = ({ story, title }: Wish): string => (story === "-" ? title : `${story} ${title}`);

const stateOf = (wish: Wish, marks: readonly Mark[]): State => (markOf(wish, marks)?.state ?? "not yet") as State;

const link = (path: string | undefined): string => (path ? `[${path}](../${path})` : "");

const escapeCell = (text: string): string => text.replaceAll("|", "\\|");
