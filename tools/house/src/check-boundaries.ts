/** Fails on an import that crosses a boundary of the house: between projects, and between the stages of the core. */
import { dirname, join, relative } from "node:path/posix";
import { type Import, importsUnder } from "./boundaries/imports.ts";
import { type Project, readProjects } from "./boundaries/projects.ts";
import { CORE_FACES, CORE_SOURCE, MAY_IMPORT, ONLY_FILE } from "./boundaries/rules.ts";
import { judgeStage } from "./boundaries/stages.ts";

export function checkBoundaries(root: string): readonly string[] {
  const projects = readProjects(root);
  return projects.flatMap((project) =>
    importsUnder(root, `${project.root}/src`).flatMap((found) => {
      const reason = judge(found, project, projects);
      return reason === undefined ? [] : [`${found.file}:${found.line} imports "${found.specifier}": ${reason}`];
    }),
  );
}

function judge(found: Import, project: Project, projects: readonly Project[]): string | undefined {
  if (found.specifier.startsWith(".")) return judgeRelative(found, project);
  const target = projects.find(({ packageName }) => covers(packageName, found.specifier));
  if (target === undefined) return undefined;
  if (target === project) return "a project imports its own files by relative path";
  if (!MAY_IMPORT[project.kind].includes(target.kind)) return `type:${project.kind} may not import type:${target.kind}`;
  const only = project.kind === "app" ? ONLY_FILE[target.kind] : undefined;
  if (only !== undefined && found.file !== `${project.root}/${only}`) {
    return `of an app, ${only} alone may import type:${target.kind}`;
  }
  const faces = target.kind === "core" ? CORE_FACES[project.kind] : undefined;
  const face = found.specifier.slice(target.packageName.length + 1);
  if (faces === undefined || faces.includes(face)) return undefined;
  return `type:${project.kind} knows the core by its contracts only, not "${face}"`;
}

function judgeRelative(found: Import, project: Project): string | undefined {
  const target = join(dirname(found.file), found.specifier);
  if (!target.startsWith(`${project.root}/`)) return "another project is imported by its package name, not by path";
  if (!target.startsWith(`${project.root}/src/`)) return "what is in src imports only what is in src";
  if (`${project.root}/src` !== CORE_SOURCE) return undefined;
  return judgeStage(relative(CORE_SOURCE, found.file), relative(CORE_SOURCE, target));
}

const covers = (packageName: string, specifier: string): boolean =>
  specifier === packageName || specifier.startsWith(`${packageName}/`);
