/** The GPU as its driver describes it. */
import { readFileSync } from "node:fs";
import type { Problem } from "../native/problem.js";
import type { Site } from "./site.js";
import { onPath, runTool } from "./tools.js";
import { oldestDriver } from "./wheels.js";

/** The driver's version and devices. */
export interface Driver {
  /** "570.124.06". */
  readonly version: string;
  /** Each GPU in words; empty where the driver's tool is not there to ask. */
  readonly devices: readonly string[];
}

const moduleFile = "/proc/driver/nvidia/version";
const newerDriver = `Install NVIDIA's driver ${oldestDriver} or newer (in a container: start it with --gpus all), or use the CPU: npx ermine-tfjs install --force.`;

/** NVIDIA's driver, or what stands in the way of one. */
export function nvidiaDriver(site: Site): Driver | Problem {
  const tool = onPath(site, "nvidia-smi") ?? onPath({ ...site, environment: { PATH: "/usr/lib/wsl/lib" } }, "nvidia-smi");
  const driver = tool === undefined ? fromModule() : fromTool(site, tool);
  if (!("version" in driver)) return driver;
  if (Number.parseInt(driver.version, 10) >= oldestDriver) return driver;
  return {
    problem: `NVIDIA's driver is ${driver.version}, and CUDA 12 needs ${oldestDriver} or a newer one.`,
    remedy: newerDriver,
  };
}

function fromTool(site: Site, tool: string): Driver | Problem {
  const fields = ["driver_version", "name", "memory.total", "compute_cap"];
  const { ok, output } = runTool(site, tool, [`--query-gpu=${fields.join(",")}`, "--format=csv,noheader"], { seconds: 60 });
  const rows = output
    .split("\n")
    .map((line) => line.split(",").map((field) => field.trim()))
    .filter((row) => row.length === fields.length);
  if (!ok || rows.length === 0) {
    return {
      problem: `${tool} finds no GPU: ${output.split("\n")[0]}`,
      remedy: "Check that the driver is loaded and that this user may use the device (in a container: --gpus all).",
    };
  }
  const devices = rows.map(([, name, memory, capability]) => `${name}, ${memory}, compute capability ${capability}`);
  return { version: rows[0]![0]!, devices };
}

/** Containers without the driver's tool have the kernel's own file. */
function fromModule(): Driver | Problem {
  let text: string;
  try {
    text = readFileSync(moduleFile, "utf8");
  } catch {
    return { problem: `There is no NVIDIA driver here: neither nvidia-smi nor ${moduleFile}.`, remedy: newerDriver };
  }
  const version = text.split(/\s+/).find((part) => /^\d{3}\.\d+(\.\d+)?$/.test(part));
  return version === undefined ? { problem: `${moduleFile} names no version.`, remedy: newerDriver } : { version, devices: [] };
}
