/** Bundles of every format run, give the bits of the unbundled packages, and say nothing of the machine that built them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { rollup } from "rollup";
import { build as vite } from "vite";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { checkBundle, webpackBundle } from "../src/bundles.js";
import { runBundle, type Outcome } from "../src/project.js";

const project = inject("project");
const entry = join(project, "entry.mjs");
const into = (name: string): string => join(project, "out", name);

let expected: Outcome;
beforeAll(async () => {
  // Where a user builds: bundlers write paths relative to it into comments.
  process.chdir(project);
  expected = await runBundle(project, "import", entry);
});

const check = (folder: string, how: "script" | "require" | "import", file: string): Promise<void> =>
  checkBundle(project, folder, how, file);

describe("unbundled", () => {
  it("both backends learn", () => {
    for (const losses of [expected.reference, expected.cpu as readonly number[]]) {
      expect(losses).toHaveLength(100);
      expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
    }
  });
});

describe("esbuild", () => {
  it.each([
    ["esm", "import"],
    ["cjs", "require"],
    ["iife", "script"],
  ] as const)("%s", async (format, how) => {
    const folder = into(`esbuild-${format}`);
    const outfile = `bundle.${format === "esm" ? "mjs" : "cjs"}`;
    const { warnings } = await esbuild({
      entryPoints: [entry],
      outfile: join(folder, outfile),
      absWorkingDir: project,
      bundle: true,
      format,
      platform: format === "cjs" ? "node" : "browser",
      logLevel: "silent",
    });
    expect(warnings).toEqual([]);
    await check(folder, how, outfile);
  });
});

describe("rollup", () => {
  it.each([["iife", "script"]] as const)("%s", async (format, how) => {
    const folder = into(`rollup-${format}`);
    // Without a plugin rollup resolves no packages: what @rollup/plugin-node-resolve does with exports.
    const resolve = {
      name: "resolve",
      resolveId: (id: string): string | null => (id.startsWith("@ermine/") ? resolved(id) : null),
    };
    const bundle = await rollup({
      input: entry,
      plugins: [resolve],
      onwarn(warning) {
        throw new Error(warning.message);
      },
    });
    await bundle.write({ file: join(folder, "bundle.cjs"), format, inlineDynamicImports: true });
    await bundle.close();
    await check(folder, how, "bundle.cjs");
  });
});

function resolved(id: string): string {
  const [scope, name, ...rest] = id.split("/");
  const place = join(project, "node_modules", scope!, name!);
  const { exports } = JSON.parse(readFileSync(join(place, "package.json"), "utf8")) as {
    exports: Record<string, { default: string }>;
  };
  return join(place, exports[["." as string, ...rest].join("/")]!.default);
}

describe("Vite's library formats", () => {
  it.each([
    ["es", "import", "bundle.mjs"],
    ["cjs", "require", "bundle.cjs"],
    ["umd", "script", "bundle.cjs"],
    ["iife", "script", "bundle.cjs"],
  ] as const)("%s", async (format, how, file) => {
    const folder = into(`vite-${format}`);
    await vite({
      root: project,
      configFile: false,
      logLevel: "error",
      build: {
        outDir: folder,
        lib: { entry, formats: [format], name: "bundle", fileName: () => file },
      },
    });
    await check(folder, how, file);
  });
});

describe("webpack", () => {
  it("development, in one file", async () => {
    const folder = into("webpack");
    const output = { path: folder, filename: "bundle.js" };
    expect(await webpackBundle(project, { mode: "development", entry, output })).toEqual([]);
    await check(folder, "script", "bundle.js");
  });
});
