/** What must hold of every bundle, and how webpack is run. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import webpack from "webpack";
import { runBundle } from "./project.js";

function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesOf(path) : [path]));
}

/** The bundle trains to the bits of the unbundled packages, and nothing in its folder names the builder's. */
export async function checkBundle(
  project: string,
  folder: string,
  how: "script" | "require" | "import",
  file: string,
): Promise<void> {
  expect(await runBundle(project, how, join(folder, file))).toEqual(
    await runBundle(project, "import", join(project, "entry.mjs")),
  );
  const leaking = filesOf(folder).filter((path) => readFileSync(path, "utf8").includes(project));
  expect(leaking, "files with the builder's path").toEqual([]);
}

/** Bundles `entry` into one classic script. @returns errors and warnings */
export function webpackBundle(
  project: string,
  options: Pick<webpack.Configuration, "mode" | "entry"> & { readonly output: webpack.Configuration["output"] },
): Promise<readonly string[]> {
  const compiler = webpack({
    ...options,
    context: project,
    target: "web",
    devtool: false,
    output: { asyncChunks: false, publicPath: "", ...options.output },
    performance: false,
  });
  return new Promise((resolve, reject) => {
    compiler!.run((error, stats) => {
      if (error !== null) return reject(error);
      const { errors = [], warnings = [] } = stats!.toJson({ all: false, errors: true, warnings: true });
      resolve([...errors, ...warnings].map(({ message }) => message));
    });
  });
}
