/** Says what of the native backend is there, what is wrong and what to do, without changing anything. */
import { health, type Health } from "./health.js";
import { libraryState } from "./library.js";
import { nvidiaDriver } from "./gpu.js";
import { leftovers, placedDistribution, type Site } from "./site.js";
import { notInstalled, type Problem } from "../native/problem.js";
import { compiler, python, room } from "./tools.js";
import type { Distribution } from "./wheels.js";

export interface Finding {
  readonly ok: boolean;
  readonly text: string;
  readonly remedy?: string;
}

export interface Report {
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

const good = (text: string): Finding => ({ ok: true, text });
const bad = ({ problem, remedy }: Problem): Finding => ({ ok: false, text: problem, remedy });

export function examine(site: Site): Report {
  const findings: Finding[] = [good(`Node ${process.versions.node}, ${site.machine}`)];
  const tfjsPackage = site.package;
  if (tfjsPackage === undefined) {
    findings.push(bad(notInstalled("@tensorflow/tfjs-node")));
    return { healthy: false, findings };
  }
  findings.push(good(`${tfjsPackage.name} ${tfjsPackage.version} in ${tfjsPackage.root}`));
  const now = health(site, tfjsPackage);
  const distribution = placedDistribution(site, tfjsPackage) ?? site.distributions.cpu;
  findings.push("version" in now ? good(described(now)) : bad(now));
  if (distribution?.device === "gpu") findings.push(...gpuFindings(site, now));
  findings.push(...cacheFindings(site, distribution));
  if (!("version" in now)) findings.push(...prerequisites(site, distribution));
  return { healthy: findings.every(({ ok }) => ok), findings };
}

const described = ({ version, gpu }: Health): string => `TensorFlow ${version}, ${gpu ? "GPU" : "CPU"}: it loads`;

/** The driver, and whether TensorFlow uses the GPU that its library is for. */
function gpuFindings(site: Site, now: Health | Problem): Finding[] {
  const driver = nvidiaDriver(site);
  if (!("version" in driver)) return [bad(driver)];
  const findings = [good(`NVIDIA's driver ${driver.version}`), ...driver.devices.map((device) => good(`GPU: ${device}`))];
  if ("version" in now && !now.gpu) {
    findings.push(
      bad({
        problem: `The library for GPUs is installed, and TensorFlow uses none: ${now.whyNoGpu}.`,
        remedy:
          "Look at CUDA_VISIBLE_DEVICES and LD_LIBRARY_PATH (an older CUDA there comes first), then: npx ermine-tfjs install --gpu --force.",
      }),
    );
  }
  return findings;
}

function cacheFindings(site: Site, distribution: Distribution | undefined): Finding[] {
  const rest = leftovers(site);
  const findings = rest.map((folder) =>
    bad({
      problem: `An install was broken off and left ${folder}.`,
      remedy: "Run: npx ermine-tfjs install (it cleans up and starts again).",
    }),
  );
  if (distribution === undefined) return findings;
  const state = libraryState(site, distribution);
  if (typeof state !== "string") findings.push(bad(state));
  else
    findings.push(
      good(state === "whole" ? `${contents(distribution)} in the cache ${site.cache}` : `nothing in the cache ${site.cache}`),
    );
  return findings;
}

/** "TensorFlow 2.21.0, CUDA 12.9.79, cuDNN 9.10.2.21". */
function contents({ version, dependencies }: Distribution): string {
  const versionOf = (project: string): string | undefined => dependencies.find((wheel) => wheel.project === project)?.version;
  const [runtime, cudnn] = [versionOf("nvidia-cuda-runtime-cu12"), versionOf("nvidia-cudnn-cu12")];
  return [
    `TensorFlow ${version}`,
    ...(runtime === undefined ? [] : [`CUDA ${runtime}`]),
    ...(cudnn === undefined ? [] : [`cuDNN ${cudnn}`]),
  ].join(", ");
}

/** Requirements of a repair. */
function prerequisites(site: Site, distribution: Distribution | undefined): Finding[] {
  if (distribution === undefined) {
    return [
      bad({
        problem: `There is no pinned wheel of TensorFlow for ${site.machine}.`,
        remedy: "Only tfjs-node's own installer can help: npm rebuild @tensorflow/tfjs-node",
      }),
    ];
  }
  const tool = (name: string, result: string | Problem): Finding =>
    typeof result === "string" ? good(`${name}: ${result}`) : bad(result);
  const findings = [tool("C++ compiler", compiler(site))];
  if (libraryState(site, distribution) === "whole") return findings;
  const full = room(site.cache, distribution.room);
  return [...findings, tool("Python with pip", python(site)), full === undefined ? good("room on the disk") : bad(full)];
}
