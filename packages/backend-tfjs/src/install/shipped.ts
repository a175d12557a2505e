/** Files that the package carries beside its code. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The path of a file in native/. The folder is looked for upwards: bundled code lies elsewhere than its source. */
export function shipped(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "native", name)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, "native", name);
}
