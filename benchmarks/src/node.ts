/**
 * Which Node everybody runs on. Engines differ more than machines: on Node 24 the cpu backend's kernels are twice as fast as on 20 and jax-js'
 * slower, so figures are comparable only where the engine is one. The default is the version that RESULTS.md is made on.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { BadOption } from "./options.js";

export interface Found {
  readonly path: string;
  /** Why it is not the one that was asked for. */
  readonly note?: string;
}

/**
 * @param wanted "current", a version's first number, or the path of a binary
 * @throws BadOption where it is none of them
 */
export function findNode(wanted: string, npx = "npx"): Found {
  const [path, own] = [process.execPath, process.versions.node];
  if (wanted === "current" || wanted === own.split(".")[0]) return { path };
  if (!/^\d+$/.test(wanted)) {
    if (existsSync(wanted)) return { path: wanted };
    throw new BadOption(`--node is "current", a version such as 24, or the path of a binary; there is no "${wanted}".`);
  }
  const args = ["--yes", `--package=node@${wanted}`, "--", "node", "-p", "process.execPath"];
  const { status, stdout } = spawnSync(npx, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const found = stdout?.trim() ?? "";
  if (status === 0 && existsSync(found)) return { path: found };
  return { path, note: `Node ${wanted} could not be fetched from the package registry: this is Node ${own}.` };
}
