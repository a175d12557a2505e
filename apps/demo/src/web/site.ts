/** The pages: where the build put them, and what a host says with them. */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ErmineError } from "@ermine/core";

/** The folder of the built pages. */
export const siteFolder = fileURLToPath(new URL("../pages/", import.meta.url));

/** @throws ErmineError ERMINE_USAGE where they are not built */
export function checkBuilt(folder: string): void {
  if (existsSync(join(folder, "index.html"))) return;
  throw new ErmineError(
    "ERMINE_USAGE",
    `The pages are not built: there is no index.html in ${folder}. Run: npx --yes pnpm@12 build`,
  );
}

/**
 * Writes the pages as static files, for any host.
 *
 * @throws ErmineError ERMINE_OPTION where there is something else in the folder, which stays as it is
 */
export async function writeStatic(folder: string, from: string = siteFolder): Promise<string> {
  checkBuilt(from);
  const target = resolve(folder);
  const within = await entriesOf(target);
  if (within.length > 0 && !within.includes("index.html")) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `--static: ${target} has other files in it (${within.slice(0, 3).join(", ")}). Name an empty or a new folder.`,
    );
  }
  await mkdir(dirname(target), { recursive: true });
  await cp(from, target, { recursive: true, force: true });
  return target;
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new ErmineError("ERMINE_OPTION", `--static: ${folder} is no folder that can be written (${code}).`);
  }
}
