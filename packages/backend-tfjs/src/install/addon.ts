/** tfjs-node's addon, compiled from the sources in its package against the library in the cache, and put where tfjs-node looks. */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { TfjsPackage } from "../native/locate.js";
import { addonPath, libraryNames } from "../native/problem.js";
import { shipped } from "./shipped.js";
import { partialPrefix, sizeOfFile, type Site } from "./site.js";
import type { Distribution } from "./wheels.js";
import { compiler, failure, lastLines, runTool } from "./tools.js";

/** Small addons of ermine's own, next to tfjs-node's: README.md says what each is for. */
const nativeSources = ["quiet", "limit"] as const;
const sourceOf = (name: (typeof nativeSources)[number]): string => shipped(`${name}.cc`);
const headers = join(dirname(createRequire(import.meta.url).resolve("node-api-headers/package.json")), "include");

const sourcesOf = (tfjsPackage: TfjsPackage): string[] =>
  ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(tfjsPackage.root, "binding", name));

/** One folder in the cache for each version of the sources and of TensorFlow: the addon is the same for every device. */
function addonFolder(site: Site, tfjsPackage: TfjsPackage, distribution: Distribution): string {
  const hash = createHash("sha256");
  for (const file of [...sourcesOf(tfjsPackage), ...nativeSources.map(sourceOf)]) hash.update(readFileSync(file));
  return join(
    site.cache,
    `addon-${tfjsPackage.version}-tensorflow-${distribution.version}-${site.machine}-${hash.digest("hex").slice(0, 12)}`,
  );
}

/** Makes sure that the compiled addon is in the cache, and says where. @throws ErmineError with the remedy */
export function provideAddon(site: Site, tfjsPackage: TfjsPackage, distribution: Distribution, library: string): string {
  const folder = addonFolder(site, tfjsPackage, distribution);
  if (sizeOfFile(join(folder, "tfjs_binding.node")) !== undefined) return folder;
  const command = compiler(site);
  if (typeof command !== "string") throw failure(command);
  mkdirSync(site.cache, { recursive: true });
  const partial = mkdtempSync(partialPrefix(site));
  try {
    site.log("Compiling tfjs-node's addon …");
    const lib = join(library, "lib");
    compile(site, command, [
      `-I${join(library, "include")}`,
      ...sourcesOf(tfjsPackage),
      "-o",
      join(partial, "tfjs_binding.node"),
      `-L${lib}`,
      ...libraryNames.map((name) => `-l:${name}`),
      "-Wl,-rpath,$ORIGIN/../../deps/lib",
    ]);
    for (const name of nativeSources) compile(site, command, [sourceOf(name), "-o", join(partial, `${name}.node`)]);
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

/** Was it compiled here, by an ermine that had fewer addons of its own? */
export function isOutdated(tfjsPackage: TfjsPackage): boolean {
  const present = nativeSources.filter(
    (name) => sizeOfFile(join(dirname(addonPath(tfjsPackage.root)), `${name}.node`)) !== undefined,
  );
  return present.length > 0 && present.length < nativeSources.length;
}

function compile(site: Site, command: string, args: readonly string[]): void {
  const { ok, output } = runTool(site, command, [
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-shared",
    "-DNAPI_VERSION=8",
    `-I${headers}`,
    ...args,
  ]);
  if (ok) return;
  throw failure({
    problem: `${command} could not compile tfjs-node's addon:\n${lastLines(output, 12)}\n`,
    remedy: "A compiler with C++17 is needed (g++ 9, clang 10 or newer): name another one with CXX=…",
  });
}

/** Links the library and copies the addon into the package; the addon, which makes it whole, comes last. */
export function place(tfjsPackage: TfjsPackage, library: string, addon: string): void {
  const target = addonPath(tfjsPackage.root);
  const libraries = join(tfjsPackage.root, "deps", "lib");
  mkdirSync(libraries, { recursive: true });
  mkdirSync(dirname(target), { recursive: true });
  for (const name of libraryNames) exchange(join(libraries, name), (file) => symlinkSync(join(library, "lib", name), file));
  placeCuda(tfjsPackage, library);
  for (const name of nativeSources.map((source) => `${source}.node`))
    exchange(join(dirname(target), name), (file) => copyFileSync(join(addon, name), file));
  exchange(target, (file) => copyFileSync(join(addon, "tfjs_binding.node"), file));
}

/** TensorFlow looks for CUDA's libraries in the folder `nvidia` next to the one that it lies in itself. */
function placeCuda(tfjsPackage: TfjsPackage, library: string): void {
  const [link, folder] = [join(tfjsPackage.root, "deps", "nvidia"), join(library, "nvidia")];
  if (sizeOfFile(folder) === undefined) rmSync(link, { recursive: true, force: true });
  else exchange(link, (file) => symlinkSync(folder, file));
}

/** A file that is there whole or not at all, whatever was there before. */
function exchange(file: string, make: (temporary: string) => void): void {
  const temporary = `${file}.${process.pid}`;
  rmSync(temporary, { force: true });
  make(temporary);
  renameSync(temporary, file);
}
