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
  const found = site.package;
  if (found === undefined) throw failure(notInstalled("@tensorflow/tfjs-node"));
  for (const folder of leftovers(site)) rmSync(folder, { recursive: true, force: true });
  return options.gpu === true ? forGpu(site, found, options) : forCpu(site, found, options);
}

async function forCpu(site: Site, found: TfjsPackage, options: InstallOptions): Promise<Installed> {
  const isCompiledAgain = isOutdated(found);
  if (options.force !== true && !isCompiledAgain) {
    const now = health(site, found);
    if ("version" in now) return { ...now, how: "already there" };
  }
  if (options.source !== "pypi" && !isCompiledAgain) {
    const result = await withItsOwn(site, found);
    if ("version" in result) return { ...result, how: "tfjs-node's own installer" };
    if (options.source === "npm" || found.name === "@tensorflow/tfjs-node-gpu")
      throw failure({ what: result.reason, remedy: "Check the connection to the hosts in its package.json." });
    site.log(`${result.reason} Taking the library from PyPI instead.`);
  }
  const placed = options.force === true ? undefined : placedDistribution(site, found);
  return { ...(await fromWheel(site, found, placed ?? site.distributions.cpu)), how: "PyPI's wheel" };
}

async function forGpu(site: Site, found: TfjsPackage, { force = false }: InstallOptions): Promise<Installed> {
  const driver = nvidiaDriver(site);
  // An image for machines that have one is made where there is none.
  if (!("version" in driver) && !force)
    throw failure({ ...driver, remedy: `${driver.remedy} With --force it is installed all the same.` });
  if (!force && !isOutdated(found) && placedDistribution(site, found)?.device === "gpu") {
    const now = health(site, found);
    if ("version" in now) return { ...now, how: "already there" };
  }
  return { ...(await fromWheel(site, found, site.distributions.gpu)), how: "PyPI's wheel" };
}

async function fromWheel(site: Site, found: TfjsPackage, distribution: Distribution | undefined): Promise<Health> {
  if (distribution === undefined) {
    throw new ErmineError(
      "ERMINE_BACKEND",
      `There is no pinned wheel of TensorFlow for ${site.machine}. Use tfjs-node's own installer (npm rebuild @tensorflow/tfjs-node), or the cpu backend.`,
    );
  }
  const library = await provideLibrary(site, distribution);
  const addon = provideAddon(site, found, distribution, library);
  place(found, library, addon);
  const now = health(site, found);
  if ("version" in now) return now;
  for (const folder of nativeFolders(found)) rmSync(folder, { recursive: true, force: true });
  throw failure({
    what: `It was installed and does not work: ${now.what}`,
    remedy: "Remove the cache and try again, and report what npx ermine-tfjs doctor says: " + site.cache,
  });
}

/** tfjs-node's install script, where the host that it downloads from answers. */
async function withItsOwn(site: Site, found: TfjsPackage): Promise<Health | { readonly reason: string }> {
  const { binary } = JSON.parse(readFileSync(join(found.root, "package.json"), "utf8")) as { binary?: { host?: string } };
  const host = binary?.host === undefined ? undefined : new URL(binary.host).origin;
  if (host === undefined || !(await answers(host)))
    return { reason: `tfjs-node's own download host (${host ?? "none named"}) does not answer.` };
  site.log("Running tfjs-node's own installer …");
  const { ok, output } = runTool(site, process.execPath, [join(found.root, "scripts", "install.js")], {
    cwd: found.root,
    seconds: 900,
  });
  const now = health(site, found);
  if ("version" in now) return now;
  for (const folder of nativeFolders(found)) rmSync(folder, { recursive: true, force: true });
  return {
    reason: ok
      ? `tfjs-node's own installer ended well, but: ${now.what}`
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
