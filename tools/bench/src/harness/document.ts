/** Renders kept results as the part of a Markdown document that lies between two marks. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { FloorReading } from "./floors.ts";
import { floorCells, type KeptResult, type Machine, rowCells } from "./report.ts";

const BEGIN = "<!-- bench: begin. Written by `npm run bench -- --report <this file>`; changes in here are lost. -->";
const END = "<!-- bench: end -->";

/** Replaces what is between the marks; a document without them gets both at its end, and is made when it is not there. */
export function writeDocument(file: string, results: readonly KeptResult[], floors: readonly FloorReading[]): void {
  const before = existsSync(file) ? readFileSync(file, "utf8") : "# Performance\n";
  writeFileSync(file, placeBetweenMarks(before, renderDocument(results, floors)));
}

export function placeBetweenMarks(document: string, part: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  const marked = `${BEGIN}\n\n${part}\n${END}`;
  if (begin < 0 || end < begin) return `${document.trimEnd()}\n\n${marked}\n`;
  return `${document.slice(0, begin)}${marked}${document.slice(end + END.length)}`;
}

export function renderDocument(results: readonly KeptResult[], floors: readonly FloorReading[]): string {
  const parts = [
    "Medians of interleaved rounds; the spread is half the distance between the extremes. The server has a core of its own and the",
    "load another; work is divided by the CPU time of the server's process. Where a floor sets two figures against each other, it is round by",
    "round, and the median of that. Rows that lose stay.",
    "",
    "## Floors",
    "",
    ...markdownTable(["floor", "bound", "measured", ""], floors.map(floorCells)),
  ];
  for (const result of results) {
    parts.push("", `## ${result.name}`, "", ...aboutOf(result), "");
    parts.push(...markdownTable(["case", "subject", "median", "spread", "metric"], result.rows.map(rowCells)));
  }
  return `${parts.join("\n")}\n`;
}

function aboutOf({ about, machine, measuredAt, seconds }: KeptResult): readonly string[] {
  const line = `Measured ${measuredAt.slice(0, 16).replace("T", " ")} UTC in ${Math.round(seconds)} s: ${machineText(machine)}.`;
  return about === undefined ? [line] : [`${about.charAt(0).toUpperCase()}${about.slice(1)}.`, "", line];
}

function machineText({ cpu, cores, memoryBytes, kernel, node, loadBefore }: Machine): string {
  const busy = loadBefore === undefined ? "" : `, load average ${loadBefore.toFixed(1)} before it began`;
  return `${cpu ?? "an unnamed CPU"}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB, Linux ${kernel}, Node ${node}${busy}`;
}

function markdownTable(titles: readonly string[], lines: readonly (readonly string[])[]): readonly string[] {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(titles), `|${titles.map((_, at) => (at === 2 ? "---:|" : "---|")).join("")}`, ...lines.map(line)];
}
