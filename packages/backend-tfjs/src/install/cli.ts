/** The command `ermine-tfjs`: doctor, install and check. */
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import { locate } from "../native/locate.js";
import { examine, type Finding } from "./doctor.js";
import { install, type InstallOptions } from "./install.js";
import { siteFor, type Site } from "./site.js";

const usage = `ermine-tfjs: TensorFlow's native library for @ermine/backend-tfjs

  ermine-tfjs doctor                  what is there, what is wrong, what to do
  ermine-tfjs install [--force]       makes it work; at once where it does already
              [--source npm|pypi]     only tfjs-node's own installer, or only PyPI's wheel
              [--gpu]                 the library for NVIDIA's GPUs, with CUDA and cuDNN (Linux, x64; 3.3 GB to download, 7 GB of room);
                                      with --force also where there is no driver, for an image that is made elsewhere
  ermine-tfjs check                   computes what it should, and how fast: a report to paste`;

/** @returns the exit status: 0 where all is well */
export async function main(args: readonly string[], site?: Site): Promise<number> {
  const [command, ...rest] = args;
  try {
    if (command === "--help" || command === "-h") return say(usage, 0);
    const chosenSite = site ?? siteFor(locate(), (line) => console.log(line));
    if (command === "doctor" && rest.length === 0) {
      const { healthy, findings } = examine(chosenSite);
      return say(findings.map(line).join("\n"), healthy ? 0 : 1);
    }
    if (command === "install") {
      const options = parse(rest);
      const { version, gpu, how, whyNoGpu } = await install(chosenSite, options);
      say(`TensorFlow ${version}, ${gpu ? "GPU" : "CPU"} (${how})`, 0);
      if (whyNoGpu === undefined) return 0;
      return say(`The library for GPUs is there, and TensorFlow uses none: ${whyNoGpu}.`, options.force === true ? 0 : 1);
    }
    if (command === "check" && rest.length === 0) {
      // TensorFlow is loaded by it alone.
      const { check } = await import("./check.js");
      return (await check(chosenSite, (text) => console.log(text), line)) ? 0 : 1;
    }
    return complain(command === undefined ? usage : unknown(command, ["doctor", "install", "check"], "command"));
  } catch (error) {
    if (error instanceof ErmineError) return complain(`ermine-tfjs: ${error.message}`);
    throw error;
  }
}

const line = ({ ok, text, remedy }: Finding): string =>
  `${ok ? "✓" : "✗"} ${text}${remedy === undefined ? "" : `\n    → ${remedy}`}`;

function say(text: string, status: number): number {
  console.log(text);
  return status;
}

function complain(text: string): number {
  console.error(text);
  return 1;
}

function unknown(name: string, names: readonly string[], kind: string): string {
  const near = nearestName(name, names);
  return `ermine-tfjs has no ${kind} "${name}". ${near === undefined ? `It has: ${names.join(", ")}.` : `Did you mean "${near}"?`}`;
}

function parse(args: readonly string[]): InstallOptions {
  const options: { force?: boolean; gpu?: boolean; source?: "npm" | "pypi" } = {};
  for (let i = 0; i < args.length; i++) {
    const argument = args[i]!;
    if (argument === "--force") options.force = true;
    else if (argument === "--gpu") options.gpu = true;
    else if (argument === "--source") {
      const source = args[++i];
      if (source !== "npm" && source !== "pypi")
        throw new ErmineError("ERMINE_OPTION", `--source is npm or pypi, got ${source ?? "nothing"}.`);
      options.source = source;
    } else throw new ErmineError("ERMINE_OPTION", unknown(argument, ["--force", "--source", "--gpu"], "option"));
  }
  if (options.gpu === true && options.source === "npm")
    throw new ErmineError("ERMINE_OPTION", "--gpu takes the library from PyPI: leave --source npm out.");
  return options;
}
