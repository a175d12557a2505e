/** Where this package is. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of its package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
