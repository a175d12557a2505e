// The published packages as tarballs, which is what users install: scripts/check-packages.mjs and the tests of environments/ work on them.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { root } from "./run.mjs";

const run = promisify(execFile);

/** The packages that are published: { name, folder, manifest }. */
export const publishedPackages = () =>
  readdirSync(join(root, "packages"))
    .map((name) => {
      const folder = join(root, "packages", name);
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      return { name: manifest.name, folder, manifest };
    })
    .filter(({ manifest }) => manifest.private !== true);

/** Packs the built packages (default: all) into `destination`; a Map from names to the paths of the tarballs. */
export async function packPackages(destination, names = publishedPackages().map(({ name }) => name)) {
  const chosen = publishedPackages().filter(({ name }) => names.includes(name));
  const entries = chosen.map(async ({ name, folder }) => {
    const { stdout } = await run("npx", ["--yes", "pnpm@12", "pack", "--pack-destination", destination, "--json"], {
      cwd: folder,
    });
    const parsed = JSON.parse(stdout.slice(stdout.search(/[[{]/)));
    const { filename } = Array.isArray(parsed) ? parsed[0] : parsed;
    return [name, isAbsolute(filename) ? filename : join(destination, filename)];
  });
  return new Map(await Promise.all(entries));
}
