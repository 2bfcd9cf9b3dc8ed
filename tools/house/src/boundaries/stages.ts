/** Judges one import within the core against the order of its stages. */
import { FOUNDATION, OPEN_STAGES, STAGES } from "./rules.ts";

/** Both are relative to the core's `src`. Returns why the import may not be, or undefined. */
export function judgeStage(from: string, to: string): string | undefined {
  const source = head(from);
  const target = head(to);
  if (source === target) return undefined;
  if (composes(source) || to === `${target}/contract.ts`) return undefined;
  if (composes(target)) return `${source} may not import ${target}, which puts the stages together`;
  return judgeOrder(source, target, to);
}

function judgeOrder(source: string, target: string, to: string): string | undefined {
  const foundation = FOUNDATION.indexOf(target);
  const sourceFoundation = FOUNDATION.indexOf(source);
  const stage = STAGES.indexOf(target);
  const sourceStage = STAGES.indexOf(source);
  if (sourceFoundation < 0 && sourceStage < 0) return `${source} has no place in the order of stages: give it one`;
  if (foundation < 0 && stage < 0) return `${target} has no place in the order of stages: give it one`;
  if (foundation >= 0) {
    const ordered = sourceFoundation < 0 || foundation < sourceFoundation;
    return ordered ? undefined : `${source} stands below ${target}`;
  }
  if (sourceStage <= stage) return `${target} is a later stage than ${source}: only its contract.ts may be imported`;
  return to.endsWith("/index.ts") || OPEN_STAGES.includes(target)
    ? undefined
    : `the inside of ${target}: import its contract.ts or index.ts`;
}

/** A file beside the folders of the stages, and not of the foundation. */
const composes = (source: string): boolean => source.endsWith(".ts") && !FOUNDATION.includes(source);

const head = (path: string): string => path.split("/")[0] ?? path;
