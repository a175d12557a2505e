/** Which tfjs-node: the application's own. Two copies in one process would be two TensorFlows that know nothing of each other. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { ErmineError } from "@ermine/core";

export type Device = "cpu" | "gpu";

export interface TfjsPackage {
  readonly name: "@tensorflow/tfjs-node" | "@tensorflow/tfjs-node-gpu";
  /** Its folder, symbolic links followed. */
  readonly root: string;
  readonly version: string;
}

const packageNames = { cpu: "@tensorflow/tfjs-node", gpu: "@tensorflow/tfjs-node-gpu" } as const;

/** A file in the folder that the application runs in. */
export const applicationFile = (): string => pathToFileURL(join(process.cwd(), "package.json")).href;

/** Where packages are looked for from: here (which a CommonJS bundle cannot say), and the application's folder and script. */
export function lookupPlaces(): readonly string[] {
  const script = process.argv[1];
  const here = import.meta.url as string | undefined;
  const places = [...(here === undefined ? [] : [here]), applicationFile()];
  if (script !== undefined && existsSync(script)) places.push(pathToFileURL(realpathSync(script)).href);
  return places;
}

/**
 * The tfjs-node that this application uses; the GPU package where it is installed and the device is not "cpu", else the other one, whose library may be
 * the one for GPUs too (`ermine-tfjs install --gpu`).
 *
 * @param places where packages are looked for from
 * @param loaded the folders of copies that somebody has loaded already
 * @returns undefined where there is none
 * @throws ErmineError ERMINE_BACKEND where there are two copies of one
 */
export function locate(device?: Device, places = lookupPlaces(), loaded = loadedRoots): TfjsPackage | undefined {
  const names = device === "cpu" ? [packageNames.cpu] : [packageNames.gpu, packageNames.cpu];
  for (const name of names) {
    const located = locateByName(name, places, loaded(name));
    if (located !== undefined) return located;
  }
  return undefined;
}

function locateByName(name: TfjsPackage["name"], places: readonly string[], loaded: readonly string[]): TfjsPackage | undefined {
  const roots = new Set<string>();
  for (const place of places) {
    const root = resolveRoot(name, place);
    if (root !== undefined) roots.add(root);
  }
  for (const root of loaded) roots.add(root);
  const [root, other] = [...roots];
  if (root === undefined) return undefined;
  if (other !== undefined) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      `There are two copies of ${name}, and tensors of one are nothing to the other:\n  ${root}\n  ${other}\n` +
        "Keep one: ask for the same version everywhere (npm dedupe, pnpm dedupe), or let one package.json of the workspace depend on it.",
    );
  }
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return { name, root, version };
}

function resolveRoot(name: string, place: string): string | undefined {
  try {
    return realpathSync(dirname(createRequire(place).resolve(`${name}/package.json`)));
  } catch {
    return undefined;
  }
}

/** Copies that somebody has loaded already. */
function loadedRoots(name: string): readonly string[] {
  const marker = join("node_modules", ...name.split("/"), "dist", "index.js");
  return Object.keys(createRequire(applicationFile()).cache)
    .filter((file) => file.endsWith(marker))
    .map((file) => realpathSync(dirname(dirname(file))));
}
