/** Files that the package carries next to its code. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const place = join("src", "install", "native");

/** The path of a file in src/install/native, from the package's folder, which is looked for upwards: bundled code lies elsewhere than its source. */
export function shipped(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, place, name)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, place, name);
}
