/** Does tfjs-node load, and what is in it? Asked in a process of its own: an addon that fits badly can take the process with it. */
import { dirname, join } from "node:path";
import type { TfjsPackage } from "../native/locate.js";
import { addonPath, nativeProblem, type Problem } from "../native/problem.js";
import { placedDistribution, type Site } from "./site.js";
import { lastLines, runTool } from "./tools.js";

export interface Health {
  readonly version: string;
  readonly gpu: boolean;
  /** Where the library could use a GPU and does not: what TensorFlow wrote about it. */
  readonly whyNoGpu?: string;
}

const mark = "ermine-tfjs:";
const script = `
const util = require("node:util");
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
const { binding } = require(process.argv[1]).backend();
console.log("\\n${mark}" + JSON.stringify({ version: binding.TF_Version, gpu: binding.isUsingGpuDevice() }));
`;

const install = "Run: npx ermine-tfjs install";

/** The working installation, or the first problem. */
export function health(site: Site, tfjsPackage: TfjsPackage): Health | Problem {
  const missing = nativeProblem(tfjsPackage.root);
  if (missing !== undefined) return missing;
  // TensorFlow says at this level why it uses no GPU.
  const environment = { ...site.environment, TF_CPP_MIN_LOG_LEVEL: "0" };
  const { ok, output } = runTool({ ...site, environment }, process.execPath, ["-e", script, tfjsPackage.root], { seconds: 120 });
  const line = output.split("\n").find((text) => text.startsWith(mark));
  if (!ok || line === undefined) return doesNotLoad(output);
  const result = JSON.parse(line.slice(mark.length)) as Health;
  const [major, minor] = result.version.split(".").map(Number) as [number, number];
  if (major === 2 && minor >= 9) {
    if (result.gpu || placedDistribution(site, tfjsPackage)?.device !== "gpu") return result;
    return { ...result, whyNoGpu: noteOnGpu(output) };
  }
  return {
    problem: `tfjs-node loads TensorFlow ${result.version}, and 2.9 or a newer 2.x is needed.`,
    remedy: `${install} --force.`,
  };
}

/** The last line of TensorFlow's log that is about CUDA, without its time and place in the source. */
function noteOnGpu(output: string): string {
  const notes = output.split("\n").filter((line) => /cuda|\bGPU\b|nvidia/i.test(line) && !line.startsWith(mark));
  return (
    notes
      .at(-1)
      ?.replace(/^.*?\]\s*/, "")
      .trim() ?? "TensorFlow wrote nothing about it"
  );
}

function doesNotLoad(output: string): Problem {
  const reason =
    output
      .split("\n")
      .find((line) => /\bError:|undefined symbol|cannot open shared object/.test(line))
      ?.trim() ?? lastLines(output, 4);
  const module = /Cannot find module '([^'.][^']*)'/.exec(output)?.[1];
  if (module !== undefined) {
    return {
      problem: `tfjs-node does not load: ${module}, which it needs, is not installed.`,
      remedy: "Install your package's dependencies again (npm install, pnpm install, yarn).",
    };
  }
  if (/undefined symbol|version `.*' not found|invalid ELF|wrong ELF/.test(output)) {
    return {
      problem: `tfjs-node's addon and TensorFlow's library do not fit: the library is of another version or for another machine (${reason}).`,
      remedy: `${install} --force.`,
    };
  }
  if (/cannot open shared object/.test(output))
    return { problem: `A library that tfjs-node's addon needs is not there (${reason}).`, remedy: `${install} --force.` };
  return { problem: `tfjs-node does not load: ${reason}`, remedy: `${install} --force.` };
}

/** The folder that a removal of what does not work empties. */
export const nativeFolders = (tfjsPackage: TfjsPackage): readonly string[] => [
  join(tfjsPackage.root, "deps"),
  dirname(dirname(addonPath(tfjsPackage.root))),
];
