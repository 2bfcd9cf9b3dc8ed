import { globSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** One vitest project per workspace package, named as Nx names it (the package's own name). */
const roots = globSync("{apps,libs,libs/brokers,tools}/*/package.json").map((file) =>
  file.replace("/package.json", ""),
);

export default defineConfig({
  test: {
    isolate: false,
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: roots.map((root) => ({ extends: true, root, test: { name: root.split("/").at(-1) ?? root } })),
    coverage: {
      provider: "v8",
      include: ["{apps,libs,libs/brokers,tools}/*/src/**/*.ts"],
      exclude: ["**/generated/**", "**/main.ts"],
      reporter: ["text-summary", "json-summary"],
      thresholds: {
        "libs/distribution-core/src/**": { lines: 90, branches: 90 },
        "apps/market-data-distribution/src/**": { lines: 90, branches: 90 },
        "libs/**": { lines: 80, branches: 80 },
      },
    },
  },
});
