/** Problems with tfjs-node's native part that show without loading it: reported alike at run time, by `doctor` and by `install`. */
import { accessSync, constants, lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export interface Problem {
  readonly problem: string;
  readonly remedy: string;
}

export const libraryNames = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"] as const;

export const addonPath = (root: string): string => join(root, "lib", "napi-v8", "tfjs_binding.node");

/** A package that is not there. Its install script may fail, and npm then removes the package with it: without the script it stays, and `install` does the script's work. */
const addPackage = (name: string): string =>
  `Add it without its install script, which where it fails takes the package away again: npm install --ignore-scripts ${name}@4.22 (pnpm add, yarn add).`;

export const notInstalled = (name: string): Problem => ({
  problem: `${name} is not installed.`,
  remedy: `${addPackage(name)}${name.endsWith("-gpu") ? "" : " Then: npx ermine-tfjs install."}`,
});

/**
 * The first file of the native part that is missing or cannot be read; undefined where all are there.
 *
 * @param read throws where a file cannot be read
 */
export function nativeProblem(
  root: string,
  read = (file: string): void => accessSync(file, constants.R_OK),
): Problem | undefined {
  const addon = addonPath(root);
  if (!exists(addon))
    return { problem: `tfjs-node's native addon is not there: ${addon}.`, remedy: "Run: npx ermine-tfjs install." };
  const files = [addon, ...libraryNames.map((name) => join(root, "deps", "lib", name))];
  return files.map((file) => problem(file, read)).find((unreadable) => unreadable !== undefined);
}

function exists(file: string): boolean {
  try {
    lstatSync(file);
    return true;
  } catch {
    return false;
  }
}

/** A file that is not there at all is no problem: tfjs-node's own installer places other ones. */
function problem(file: string, read: (file: string) => void): Problem | undefined {
  if (!exists(file)) return undefined;
  try {
    read(file);
    return undefined;
  } catch (error) {
    const target = lstatSync(file).isSymbolicLink() ? readlinkSync(file) : file;
    const leads = target === file ? file : `${file} leads to ${target}, which`;
    return (error as NodeJS.ErrnoException).code === "EACCES"
      ? {
          problem: `TensorFlow's library cannot be read by this user: ${leads} is in a folder of another user's (was the package installed by one user and is run by another?).`,
          remedy:
            "Run as this user: npx ermine-tfjs install; or set XDG_CACHE_HOME to a folder that both can read and install again.",
        }
      : {
          problem: `TensorFlow's library is gone: ${leads} is not there (was the cache cleaned, or node_modules copied to another machine?).`,
          remedy: "Run: npx ermine-tfjs install.",
        };
  }
}
