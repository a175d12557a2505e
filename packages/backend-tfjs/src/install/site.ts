/** Where things are put: the user's cache, the tfjs-node package, and which wheel has TensorFlow's library for this machine. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { TfjsPackage } from "../native/locate.js";

/** A file of PyPI's, pinned: another one under the same name is refused. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  /** What pip is told, so that it takes this very file whatever Python is here. */
  readonly python: string;
  readonly abi: string;
  readonly platform: string;
  /** Room for the download and what is unpacked from it, in bytes. */
  readonly room: number;
}

const wheels: Readonly<Record<string, Wheel>> = {
  "linux-x64": {
    project: "tensorflow-cpu",
    version: "2.21.0",
    file: "tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
    sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
    python: "3.11",
    abi: "cp311",
    platform: "manylinux_2_27_x86_64",
    room: 1_300_000_000,
  },
};

/** What doctor and installer work on; tests hand in their own. */
export interface Site {
  /** undefined: tfjs-node is not installed. */
  readonly package: TfjsPackage | undefined;
  /** The user's cache for ermine. */
  readonly cache: string;
  readonly machine: string;
  /** undefined: there is none for this machine. */
  readonly wheel: Wheel | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
}

export function siteFor(found: TfjsPackage | undefined, log: (line: string) => void): Site {
  const machine = `${process.platform}-${process.arch}`;
  const base = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return { package: found, cache: join(base, "ermine"), machine, wheel: wheels[machine], environment: process.env, log };
}

export const libraryFolder = (site: Site, wheel: Wheel): string =>
  join(site.cache, `${wheel.project}-${wheel.version}-${site.machine}`);

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
