/** Where things are put: the user's cache, the tfjs-node package, and which wheels have TensorFlow's library for this machine. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Device, TfjsPackage } from "../native/locate.js";
import { libraryNames } from "../native/problem.js";
import { distributions, type Distribution } from "./wheels.js";

/** The environment of doctor and installer; tests pass one of their own. */
export interface Site {
  /** undefined: tfjs-node is not installed. */
  readonly package: TfjsPackage | undefined;
  /** The user's cache for ermine. */
  readonly cache: string;
  readonly machine: string;
  /** Of PyPI's, by device; absent: there is none for this machine. */
  readonly distributions: Readonly<Partial<Record<Device, Distribution>>>;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
}

export function siteFor(tfjsPackage: TfjsPackage | undefined, log: (line: string) => void): Site {
  const machine = `${process.platform}-${process.arch}`;
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return {
    package: tfjsPackage,
    cache: join(base, "ermine"),
    machine,
    distributions: distributions[machine] ?? {},
    environment: process.env,
    log,
  };
}

export const libraryFolder = (site: Site, { project, version }: Distribution): string =>
  join(site.cache, `${project}-${version}-${site.machine}`);

/** Which of the libraries in the cache tfjs-node is linked to; undefined: to none of them. */
export function placedDistribution(site: Site, tfjsPackage: TfjsPackage): Distribution | undefined {
  let target: string;
  try {
    target = readlinkSync(join(tfjsPackage.root, "deps", "lib", libraryNames[0]));
  } catch {
    return undefined;
  }
  return Object.values(site.distributions).find((one) => target.startsWith(join(libraryFolder(site, one), "lib")));
}

const partialName = /^\.partial-(\d+)-/;

/** A fresh name for something in the making; what is whole is renamed. */
export const partialPrefix = (site: Site): string => join(site.cache, `.partial-${process.pid}-`);

/** Folders that a broken-off install has left behind. */
export function leftovers(site: Site): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(site.cache);
  } catch {
    return [];
  }
  return names
    .filter((name) => !isRunning(Number(partialName.exec(name)?.[1] ?? process.pid)))
    .map((name) => join(site.cache, name));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Ended, and not yet buried by its parent: in containers that can take for ever. */
function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, ""));
  } catch {
    return false;
  }
}

/** The size of a file, links followed; undefined where it is not there. */
export function sizeOfFile(file: string): number | undefined {
  try {
    return statSync(file).size;
  } catch {
    return undefined;
  }
}
