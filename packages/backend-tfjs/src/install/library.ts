/** TensorFlow's library and headers in the user's cache: out of wheels of PyPI's, whole or not at all. */
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { shipped } from "./shipped.js";
import { libraryNames, type Problem } from "../native/problem.js";
import { libraryFolder, partialPrefix, sizeOfFile, type Site } from "./site.js";
import type { Distribution, Wheel } from "./wheels.js";
import { failure, lastLines, megabytes, python, room, runTool } from "./tools.js";

interface Manifest {
  readonly version: string;
  /** SHA-256 of TensorFlow's wheel. */
  readonly wheel: string;
  /** SHA-256 of the other wheels; absent: there are none. */
  readonly dependencies?: readonly string[];
  /** Bytes by the file's path in the folder `lib`, or from there. */
  readonly sizes: Readonly<Record<string, number>>;
}

const unpacker = shipped("unpack.py");

/** "absent", "whole", or what is wrong with it. */
export function libraryState(site: Site, distribution: Distribution): "absent" | "whole" | Problem {
  const folder = libraryFolder(site, distribution);
  const broken = (detail: string): Problem => ({
    problem: `The library in ${folder} is broken: ${detail}.`,
    remedy: `Run: npx ermine-tfjs install${distribution.device === "gpu" ? " --gpu" : ""} (it downloads it again).`,
  });
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  } catch {
    return sizeOfFile(folder) === undefined ? "absent" : broken("it has no manifest, so it was never finished");
  }
  if (manifest.wheel !== distribution.sha256) return broken(`it is of another wheel than ${distribution.file}`);
  const other = distribution.dependencies.find(({ sha256 }) => !(manifest.dependencies ?? []).includes(sha256));
  if (other !== undefined) return broken(`${other.file} is not part of it`);
  for (const [name, size] of Object.entries(manifest.sizes)) {
    const bytes = sizeOfFile(join(folder, "lib", name));
    if (bytes !== size) return broken(`${name} has ${bytes ?? "no"} bytes and should have ${size}`);
  }
  return "whole";
}

/** Makes sure that the library is in the cache, and says where. @throws ErmineError with the remedy */
export async function provideLibrary(site: Site, distribution: Distribution): Promise<string> {
  const folder = libraryFolder(site, distribution);
  if (libraryState(site, distribution) === "whole") return folder;
  const interpreter = python(site);
  if (typeof interpreter !== "string") throw failure(interpreter);
  const full = room(site.cache, distribution.room);
  if (full !== undefined) throw failure(full);
  mkdirSync(site.cache, { recursive: true });
  const partial = mkdtempSync(partialPrefix(site));
  try {
    const whole = join(partial, "library");
    for (const wheel of [distribution, ...distribution.dependencies]) {
      const file = await download(site, wheel, interpreter, partial);
      unpack(site, wheel, interpreter, file, whole);
      // A GPU's wheels together are larger than what is unpacked from each.
      rmSync(file);
    }
    writeManifest(distribution, whole);
    rmSync(folder, { recursive: true, force: true });
    renameSync(whole, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

async function download(site: Site, wheel: Wheel, interpreter: string, folder: string): Promise<string> {
  site.log(`Downloading ${wheel.project} ${wheel.version} with pip …`);
  const { ok, output } = runTool(
    site,
    interpreter,
    [
      "-m",
      "pip",
      "download",
      `${wheel.project}==${wheel.version}`,
      "--no-deps",
      "--only-binary=:all:",
      "--disable-pip-version-check",
      "--no-cache-dir",
      "--implementation",
      wheel.implementation,
      "--python-version",
      wheel.python,
      "--abi",
      wheel.abi,
      "--platform",
      wheel.platform,
      "--dest",
      folder,
    ],
    { seconds: 1800 },
  );
  if (!ok) {
    throw failure({
      problem: `pip could not download ${wheel.project} ${wheel.version}:\n${lastLines(output, 6)}\n`,
      remedy: "Check the connection (pip's own settings count: PIP_INDEX_URL, PIP_PROXY), then run: npx ermine-tfjs install",
    });
  }
  const file = join(folder, wheel.file);
  const size = sizeOfFile(file);
  if (size === undefined) {
    throw failure({
      problem: `pip downloaded ${readdirSync(folder).join(", ") || "nothing"} instead of ${wheel.file}.`,
      remedy: "Check pip's index, then run: npx ermine-tfjs install",
    });
  }
  const hash = await hashOf(file);
  if (hash !== wheel.sha256) {
    throw failure({
      problem: `The download of ${wheel.file} (${megabytes(size)}) is broken or not the pinned one: its SHA-256 is ${hash}, expected was ${wheel.sha256}. It was deleted.`,
      remedy: "Run npx ermine-tfjs install again; where it stays so, check the proxy or mirror between here and PyPI.",
    });
  }
  return file;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 22 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function unpack(site: Site, wheel: Wheel, interpreter: string, file: string, folder: string): void {
  site.log(`Unpacking ${wheel.project} …`);
  const { ok, output } = runTool(site, interpreter, [unpacker, file, folder]);
  if (!ok)
    throw failure({
      problem: `Unpacking ${wheel.file} failed:\n${lastLines(output, 6)}\n`,
      remedy: "Check the disk, then run: npx ermine-tfjs install",
    });
}

function writeManifest(distribution: Distribution, folder: string): void {
  const sizes: Record<string, number> = {};
  for (const name of libraryNames) {
    const size = sizeOfFile(join(folder, "lib", name));
    if (size === undefined)
      throw failure({
        problem: `${distribution.file} holds no ${name}.`,
        remedy: "Report this: the pinned wheel is not what it was.",
      });
    sizes[name] = size;
  }
  for (const file of filesIn(join(folder, "nvidia"))) sizes[relative(join(folder, "lib"), file)] = sizeOfFile(file)!;
  const dependencies = distribution.dependencies.map(({ sha256 }) => sha256);
  const manifest: Manifest = { version: distribution.version, wheel: distribution.sha256, dependencies, sizes };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest, null, 2));
}

function filesIn(folder: string): readonly string[] {
  if (sizeOfFile(folder) === undefined) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
