/** Makes tfjs-node work: with its own installer, else with the library out of PyPI's wheel and an addon compiled here. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ErmineError } from "@ermine/core";
import type { TfjsPackage } from "../native/locate.js";
import { notInstalled } from "../native/problem.js";
import { isOutdated, place, provideAddon } from "./addon.js";
import { health, nativeFolders, type Health } from "./health.js";
import { provideLibrary } from "./library.js";
import { nvidiaDriver } from "./gpu.js";
import { leftovers, placedDistribution, type Site } from "./site.js";
import { failure, lastLines, runTool } from "./tools.js";
import type { Distribution } from "./wheels.js";

export interface InstallOptions {
  /** Also where it works already. */
  readonly force?: boolean;
  /** Only this way. Default: tfjs-node's own first. */
  readonly source?: "npm" | "pypi";
  /** The library that uses NVIDIA's GPUs, with CUDA and cuDNN: PyPI's. Default false. */
  readonly gpu?: boolean;
}

export interface Installed extends Health {
  readonly how: "already there" | "tfjs-node's own installer" | "PyPI's wheel";
}

/** @throws ErmineError that says what is missing and what to do; then nothing half done is left */
export async function install(site: Site, options: InstallOptions = {}): Promise<Installed> {
  const tfjsPackage = site.package;
  if (tfjsPackage === undefined) throw failure(notInstalled("@tensorflow/tfjs-node"));
  for (const folder of leftovers(site)) rmSync(folder, { recursive: true, force: true });
  return options.gpu === true ? forGpu(site, tfjsPackage, options) : forCpu(site, tfjsPackage, options);
}

async function forCpu(site: Site, tfjsPackage: TfjsPackage, options: InstallOptions): Promise<Installed> {
  const isCompiledAgain = isOutdated(tfjsPackage);
  if (options.force !== true && !isCompiledAgain) {
    const now = health(site, tfjsPackage);
    if ("version" in now) return { ...now, how: "already there" };
  }
  if (options.source !== "pypi" && !isCompiledAgain) {
    const result = await withItsOwn(site, tfjsPackage);
    if ("version" in result) return { ...result, how: "tfjs-node's own installer" };
    if (options.source === "npm" || tfjsPackage.name === "@tensorflow/tfjs-node-gpu")
      throw failure({ problem: result.reason, remedy: "Check the connection to the hosts in its package.json." });
    site.log(`${result.reason} Taking the library from PyPI instead.`);
  }
  const placed = options.force === true ? undefined : placedDistribution(site, tfjsPackage);
  return { ...(await fromWheel(site, tfjsPackage, placed ?? site.distributions.cpu)), how: "PyPI's wheel" };
}

async function forGpu(site: Site, tfjsPackage: TfjsPackage, { force = false }: InstallOptions): Promise<Installed> {
  const driver = nvidiaDriver(site);
  // An image for machines that have one is made where there is none.
  if (!("version" in driver) && !force)
    throw failure({ ...driver, remedy: `${driver.remedy} With --force it is installed all the same.` });
  if (!force && !isOutdated(tfjsPackage) && placedDistribution(site, tfjsPackage)?.device === "gpu") {
    const now = health(site, tfjsPackage);
    if ("version" in now) return { ...now, how: "already there" };
  }
  return { ...(await fromWheel(site, tfjsPackage, site.distributions.gpu)), how: "PyPI's wheel" };
}

async function fromWheel(site: Site, tfjsPackage: TfjsPackage, distribution: Distribution | undefined): Promise<Health> {
  if (distribution === undefined) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      `There is no pinned wheel of TensorFlow for ${site.machine}. Use tfjs-node's own installer (npm rebuild @tensorflow/tfjs-node), or the cpu backend.`,
    );
  }
  const library = await provideLibrary(site, distribution);
  const addon = provideAddon(site, tfjsPackage, distribution, library);
  place(tfjsPackage, library, addon);
  const now = health(site, tfjsPackage);
  if ("version" in now) return now;
  for (const folder of nativeFolders(tfjsPackage)) rmSync(folder, { recursive: true, force: true });
  throw failure({
    problem: `It was installed and does not work: ${now.problem}`,
    remedy: "Remove the cache and try again, and report what npx ermine-tfjs doctor says: " + site.cache,
  });
}

/** tfjs-node's install script, where the host that it downloads from answers. */
async function withItsOwn(site: Site, tfjsPackage: TfjsPackage): Promise<Health | { readonly reason: string }> {
  const { binary } = JSON.parse(readFileSync(join(tfjsPackage.root, "package.json"), "utf8")) as { binary?: { host?: string } };
  const host = binary?.host === undefined ? undefined : new URL(binary.host).origin;
  if (host === undefined || !(await answers(host)))
    return { reason: `tfjs-node's own download host (${host ?? "none named"}) does not answer.` };
  site.log("Running tfjs-node's own installer …");
  const { ok, output } = runTool(site, process.execPath, [join(tfjsPackage.root, "scripts", "install.js")], {
    cwd: tfjsPackage.root,
    seconds: 900,
  });
  const now = health(site, tfjsPackage);
  if ("version" in now) return now;
  for (const folder of nativeFolders(tfjsPackage)) rmSync(folder, { recursive: true, force: true });
  return {
    reason: ok
      ? `tfjs-node's own installer ended well, but: ${now.problem}`
      : `tfjs-node's own installer failed (${lastLines(output, 2)}).`,
  };
}

async function answers(host: string): Promise<boolean> {
  try {
    await fetch(host, { method: "HEAD", signal: AbortSignal.timeout(5000) });
    return true;
  } catch {
    return false;
  }
}
