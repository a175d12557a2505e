import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { examine } from "../src/install/doctor.js";
import { main } from "../src/install/cli.js";
import { install } from "../src/install/install.js";
import { libraryFolder, siteFor, type Site } from "../src/install/site.js";
import { distributions, type Distribution } from "../src/install/wheels.js";

/** A machine made of shell scripts: python3 "downloads" and "unpacks", g++ "compiles", tfjs-node loads what they made. */
let root: string;
let site: Site;

const write = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};
const tool = (name: string, text: string): void => {
  write(join(root, "bin", name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(root, "bin", name), 0o755);
};
const wheelText = "a wheel";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "ermine-installer-")));
  mkdirSync(join(root, "bin"));
  for (const name of ["mkdir", "touch", "sleep"]) symlinkSync(realOf(name), join(root, "bin", name));
  const tfjs = join(root, "tfjs-node");
  write(join(tfjs, "package.json"), JSON.stringify({ name: "@tensorflow/tfjs-node", version: "4.22.0", main: "index.js" }));
  write(
    join(tfjs, "index.js"),
    `const { existsSync, readFileSync } = require("node:fs");
     const version = readFileSync(__dirname + "/deps/lib/libtensorflow_cc.so.2", "utf8");
     if (version === "other") throw new Error("undefined symbol: TF_NewGraph");
     exports.backend = () => ({ binding: { TF_Version: version, isUsingGpuDevice: () => {
       const cuda = existsSync(__dirname + "/deps/nvidia/cuda_runtime/lib/libcudart.so.12") && process.env.NO_DEVICE === undefined;
       if (!cuda) console.error("2026-01-01 W external/gpu.cc:1] Could not find cuda drivers on your machine, GPU will not be used.");
       return cuda;
     } } });`,
  );
  for (const name of ["tfjs_backend.cc", "tfjs_binding.cc"]) write(join(tfjs, "binding", name), "// source");
  tool(
    "python3",
    `echo "$@" >> ${root}/python.log
     case "$2" in
       pip) [ "$3" = --version ] && exit 0
            while [ "$1" != --dest ]; do shift; done; printf '${wheelText}' > "$2/fake.whl" ;;
       *) echo unpack >> ${root}/unpacked.log; if [ -e "$3/lib" ]; then mkdir -p "$3/nvidia/cuda_runtime/lib"; printf cudart > "$3/nvidia/cuda_runtime/lib/libcudart.so.12"; fi
            mkdir -p "$3/lib" "$3/include"; printf 2.21.0 > "$3/lib/libtensorflow_cc.so.2"; printf framework > "$3/lib/libtensorflow_framework.so.2" ;;
     esac`,
  );
  tool("g++", `echo "$@" >> ${root}/compiler.log; while [ "$1" != -o ]; do shift; done; printf addon > "$2"`);
  const sha256 = createHash("sha256").update(wheelText).digest("hex");
  const wheel = {
    project: "tensorflow-cpu",
    version: "2.21.0",
    file: "fake.whl",
    sha256,
    implementation: "cp",
    python: "3.11",
    abi: "cp311",
    platform: "any",
  };
  const cpu = { ...wheel, device: "cpu" as const, dependencies: [], room: 1000 };
  const runtime = { ...wheel, project: "nvidia-cuda-runtime-cu12", version: "12.9.79" };
  const gpu = { ...cpu, project: "tensorflow", device: "gpu" as const, dependencies: [runtime] };
  const nodePackage = { name: "@tensorflow/tfjs-node" as const, root: tfjs, version: "4.22.0" };
  site = {
    ...siteFor(nodePackage, () => undefined),
    cache: join(root, "cache"),
    distributions: { cpu, gpu },
    environment: { PATH: join(root, "bin") },
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function realOf(name: string): string {
  const folder = ["/bin", "/usr/bin"].find((place) => existsSync(join(place, name)));
  return join(folder!, name);
}

/** The machine with another distribution for its CPU. */
const withCpu = (changes: Partial<Distribution>): Site => ({
  ...site,
  distributions: { ...site.distributions, cpu: { ...site.distributions.cpu!, ...changes } },
});
const remove = (name: string): void => rmSync(join(root, "bin", name));
const problems = (): string[] =>
  examine(site)
    .findings.filter(({ ok }) => !ok)
    .map(({ text, remedy }) => `${text} ${remedy}`);
const calls = (name: string): number =>
  existsSync(join(root, name))
    ? readFileSync(join(root, name), "utf8")
        .split("\n")
        .filter((line) => line.includes("download") || line.includes("-o")).length
    : 0;

/** The command's exit status and what it printed. */
async function command(...args: string[]): Promise<{ status: number; printed: string }> {
  const lines: unknown[] = [];
  const spies = [vi.spyOn(console, "log"), vi.spyOn(console, "error")].map((spy) =>
    spy.mockImplementation((text: unknown) => void lines.push(text)),
  );
  try {
    return { status: await main(args, site), printed: lines.join("\n") };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe("ermine-tfjs install", () => {
  it("takes the library from the wheel and compiles the addon", async () => {
    expect(await install(site)).toEqual({ version: "2.21.0", gpu: false, how: "PyPI's wheel" });
    expect(readlinkSync(join(root, "tfjs-node/deps/lib/libtensorflow_cc.so.2"))).toBe(
      join(libraryFolder(site, site.distributions.cpu!), "lib/libtensorflow_cc.so.2"),
    );
    expect(readFileSync(join(root, "compiler.log"), "utf8")).toContain("-Wl,-rpath,$ORIGIN/../../deps/lib");
    expect(examine(site).healthy).toBe(true);
  });
  it("returns at once the second time", async () => {
    await install(site);
    remove("python3");
    remove("g++");
    expect(await install(site)).toMatchObject({ how: "already there" });
  });
  it("adds an addon that an earlier version did not have", async () => {
    await install(site);
    const missing = join(root, "tfjs-node/lib/napi-v8/limit.node");
    rmSync(missing);
    expect(await install(site)).toMatchObject({ how: "PyPI's wheel" });
    expect(existsSync(missing)).toBe(true);
  });
  it("downloads and compiles nothing for a second clone", async () => {
    await install(site);
    rmSync(join(root, "tfjs-node/deps"), { recursive: true });
    rmSync(join(root, "tfjs-node/lib"), { recursive: true });
    const before = [calls("python.log"), calls("compiler.log")];
    expect(await install(site)).toMatchObject({ version: "2.21.0" });
    expect([calls("python.log"), calls("compiler.log")]).toEqual(before);
  });
  it.each([
    ["python3", /no python3 on the PATH.*apt-get install python3/],
    ["g++", /no C\+\+ compiler.*apt-get install g\+\+/],
  ])("says what to do without %s, and leaves nothing half done", async (name, message) => {
    remove(name);
    await expect(install(site)).rejects.toThrow(message);
    expect(existsSync(join(root, "tfjs-node/lib"))).toBe(false);
    expect(existsSync(site.cache) ? readdirSync(site.cache).filter((entry) => entry.startsWith(".")) : []).toEqual([]);
  });
  it("says so where python3 has no pip", async () => {
    tool("python3", "exit 1");
    await expect(install(site)).rejects.toThrow(/has no pip.*apt-get install python3-pip/);
  });
  it("says so where the disk is full", async () => {
    site = withCpu({ room: 1e18 });
    await expect(install(site)).rejects.toThrow(/free, and 1000000000000 MB are needed.*XDG_CACHE_HOME/s);
  });
  it("refuses a download with another hash, deletes it, and says so", async () => {
    site = withCpu({ sha256: "0".repeat(64) });
    await expect(install(site)).rejects.toThrow(/fake\.whl .* is broken or not the pinned one.*It was deleted.*mirror/s);
    expect(readdirSync(site.cache)).toEqual([]);
  });
  it("passes on what pip says", async () => {
    tool("python3", '[ "$3" = --version ] && exit 0; echo "No matching distribution"; exit 1');
    await expect(install(site)).rejects.toThrow(/could not download tensorflow-cpu 2\.21\.0:\nNo matching distribution/);
  });
  it("passes on what the compiler says", async () => {
    tool("g++", 'echo "error: C++17 unknown" >&2; exit 1');
    await expect(install(site)).rejects.toThrow(/could not compile.*C\+\+17 unknown.*CXX=/s);
  });
  it("takes the compiler that CXX names", async () => {
    remove("g++");
    tool("my-compiler", `while [ "$1" != -o ]; do shift; done; printf addon > "$2"`);
    site = { ...site, environment: { ...site.environment, CXX: "my-compiler" } };
    expect(await install(site)).toMatchObject({ version: "2.21.0" });
  });
  it("removes what does not work after all", async () => {
    tool(
      "python3",
      readFileSync(join(root, "bin/python3"), "utf8").replace("#!/bin/sh\n", "").replace("printf 2.21.0", "printf 1.15.0"),
    );
    await expect(install(site)).rejects.toThrow(/was installed and does not work.*1\.15\.0/s);
    expect(existsSync(join(root, "tfjs-node/lib"))).toBe(false);
  });
  it("has no wheel for an unknown machine", async () => {
    site = { ...site, distributions: {}, machine: "sunos-sparc" };
    await expect(install(site)).rejects.toThrow(/no pinned wheel of TensorFlow for sunos-sparc/);
  });
  it("needs tfjs-node", async () => {
    site = { ...site, package: undefined };
    // With its install script npm would take it away again where that fails.
    const remedy =
      /tfjs-node is not installed.*npm install --ignore-scripts @tensorflow\/tfjs-node@4\.22.*Then: npx ermine-tfjs install/;
    await expect(install(site)).rejects.toThrow(remedy);
    expect(problems()).toEqual([expect.stringMatching(remedy)]);
    expect((await command("doctor")).status).toBe(1);
  });
});

describe("ermine-tfjs install --gpu", () => {
  const driver = (version: string): void =>
    tool("nvidia-smi", `case "$1" in --query-gpu=*) echo "${version}, NVIDIA H100, 81559 MiB, 9.0" ;; *) exit 1 ;; esac`);
  const noDriver = "There is no NVIDIA driver here: neither nvidia-smi nor /proc/driver/nvidia/version.";

  it("takes TensorFlow's wheel and CUDA's, puts CUDA where the library looks for it, and the GPU is used", async () => {
    driver("570.124.06");
    expect(await install(site, { gpu: true })).toEqual({ version: "2.21.0", gpu: true, how: "PyPI's wheel" });
    const folder = libraryFolder(site, site.distributions.gpu!);
    expect(readlinkSync(join(root, "tfjs-node/deps/nvidia"))).toBe(join(folder, "nvidia"));
    expect(readFileSync(join(root, "unpacked.log"), "utf8").trim().split("\n")).toHaveLength(2);
    expect(readFileSync(join(root, "python.log"), "utf8")).toContain("download nvidia-cuda-runtime-cu12==12.9.79 --no-deps");
    const { status, printed } = await command("doctor");
    expect(status).toBe(0);
    expect(printed).toContain("TensorFlow 2.21.0, GPU: it loads");
    expect(printed).toContain("NVIDIA's driver 570.124.06");
    expect(printed).toContain("GPU: NVIDIA H100, 81559 MiB, compute capability 9.0");
    expect(printed).toContain("TensorFlow 2.21.0, CUDA 12.9.79 in the cache");
  });
  it("does not take the library for CPUs for it, and returns at once the second time", async () => {
    driver("570.124.06");
    await install(site);
    expect(await install(site, { gpu: true })).toMatchObject({ gpu: true, how: "PyPI's wheel" });
    remove("python3");
    remove("g++");
    expect(await install(site, { gpu: true })).toMatchObject({ gpu: true, how: "already there" });
    expect(await install(site)).toMatchObject({ gpu: true, how: "already there" });
  });
  it("goes back to the library for CPUs with --force alone", async () => {
    driver("570.124.06");
    await install(site, { gpu: true });
    expect(await install(site, { force: true, source: "pypi" })).toMatchObject({ gpu: false });
    expect(existsSync(join(root, "tfjs-node/deps/nvidia"))).toBe(false);
    expect(examine(site).healthy).toBe(true);
  });
  if (!existsSync("/proc/driver/nvidia/version"))
    it("downloads nothing where there is no driver, unless it is forced", async () => {
      await expect(install(site, { gpu: true })).rejects.toThrow(noDriver);
      await expect(install(site, { gpu: true })).rejects.toThrow(
        /driver 525 or newer .*--gpus all.* With --force it is installed/,
      );
      expect(calls("python.log")).toBe(0);
      expect(await command("install", "--gpu", "--force")).toMatchObject({ status: 0 });
      expect(problems()).toEqual([expect.stringContaining(noDriver)]);
    });
  it("says that the driver is too old", async () => {
    driver("470.82.01");
    await expect(install(site, { gpu: true })).rejects.toThrow(/driver is 470\.82\.01, and CUDA 12 needs 525 or a newer one/);
  });
  it("says what nvidia-smi says", async () => {
    tool("nvidia-smi", "echo No devices were found; exit 6");
    await expect(install(site, { gpu: true })).rejects.toThrow(/nvidia-smi finds no GPU: No devices were found.*--gpus all/);
  });
  it("says why TensorFlow uses no GPU", async () => {
    driver("570.124.06");
    site = { ...site, environment: { ...site.environment, NO_DEVICE: "1" } };
    const { status, printed } = await command("install", "--gpu");
    expect(status).toBe(1);
    expect(printed).toContain("TensorFlow uses none: Could not find cuda drivers on your machine, GPU will not be used.");
    expect(problems()).toEqual([
      expect.stringMatching(/uses none: Could not find cuda drivers.*CUDA_VISIBLE_DEVICES.*install --gpu --force/),
    ]);
  });
  it("finds that a library of CUDA's was cut short", async () => {
    driver("570.124.06");
    await install(site, { gpu: true });
    writeFileSync(join(libraryFolder(site, site.distributions.gpu!), "nvidia/cuda_runtime/lib/libcudart.so.12"), "cut");
    expect(problems()).toEqual([
      expect.stringMatching(/libcudart\.so\.12 has 3 bytes and should have 6.*install --gpu \(it downloads/),
    ]);
  });
  it("finds that a wheel is missing that a newer ermine pins", async () => {
    driver("570.124.06");
    await install(site, { gpu: true });
    const gpu = site.distributions.gpu!;
    const newer = { ...gpu, dependencies: [{ ...gpu.dependencies[0]!, sha256: "1".repeat(64), file: "newer.whl" }] };
    site = { ...site, distributions: { ...site.distributions, gpu: newer } };
    expect(problems()).toEqual([expect.stringMatching(/newer\.whl is not part of it/)]);
  });
  it("does not go with tfjs-node's own installer", async () => {
    expect(await command("install", "--gpu", "--source", "npm")).toMatchObject({
      status: 1,
      printed: expect.stringContaining("--gpu takes the library from PyPI"),
    });
  });
  it("is pinned to files that differ", () => {
    for (const { cpu, gpu } of Object.values(distributions)) {
      const wheels = [cpu!, gpu!, ...gpu!.dependencies];
      expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length);
      for (const { file, project, version, sha256 } of wheels) {
        expect(file.startsWith(`${project.replaceAll("-", "_")}-${version}-`)).toBe(true);
        expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      }
    }
  });
});

describe("ermine-tfjs doctor", () => {
  it("finds nothing wrong with what was installed", async () => {
    await install(site);
    const { status, printed } = await command("doctor");
    expect(status).toBe(0);
    expect(printed).toContain("TensorFlow 2.21.0, CPU: it loads");
  });
  it("finds the addon removed", async () => {
    await install(site);
    rmSync(join(root, "tfjs-node/lib"), { recursive: true });
    expect(problems()).toEqual([expect.stringMatching(/native addon is not there.*npx ermine-tfjs install/)]);
    expect((await command("doctor")).status).toBe(1);
  });
  it.each([
    ["1.15.0", /loads TensorFlow 1\.15\.0, and 2\.9 .* is needed.*install --force/],
    ["other", /do not fit: the library is of another version.*install --force/],
  ])("finds a library of another version (%s)", async (version, message) => {
    await install(site);
    const library = join(root, "tfjs-node/deps/lib/libtensorflow_cc.so.2");
    rmSync(library);
    writeFileSync(library, version);
    expect(problems()).toEqual([expect.stringMatching(message)]);
    expect((await command("doctor")).status).toBe(1);
  });
  it("finds the compiler missing where one is needed", async () => {
    remove("g++");
    expect(problems()).toEqual([
      expect.stringMatching(/native addon is not there/),
      expect.stringMatching(/no C\+\+ compiler.*apt-get install g\+\+/),
    ]);
    expect((await command("doctor")).status).toBe(1);
  });
  it("finds the download that was broken off", async () => {
    await install(site);
    const process = 2 ** 22 + 1;
    mkdirSync(join(site.cache, `.partial-${process}-abc`));
    expect(problems()).toEqual([expect.stringMatching(/An install was broken off.*npx ermine-tfjs install/)]);
    expect((await command("doctor")).status).toBe(1);
    await install(site);
    expect(problems()).toEqual([]);
  });
  if (existsSync("/proc/self/stat"))
    it("takes a process that ended and was not buried for ended", async () => {
      // The child outlives the shell's exec: a shell that still is one would bury it.
      const parent = spawn("/bin/sh", ["-c", "sleep 0.5 & echo $!; exec sleep 20"], { stdio: ["ignore", "pipe", "ignore"] });
      try {
        const zombie = await new Promise<string>((resolve) => parent.stdout.once("data", (text) => resolve(String(text).trim())));
        const state = (): string => readFileSync(`/proc/${zombie}/stat`, "utf8");
        await vi.waitFor(() => expect(state()).toMatch(/\) Z /), { timeout: 10_000 });
        mkdirSync(join(site.cache, `.partial-${zombie}-abc`), { recursive: true });
        expect(problems()).toContainEqual(expect.stringMatching(/An install was broken off/));
      } finally {
        parent.kill();
      }
    });
  it("finds a package of tfjs-node's missing", async () => {
    await install(site);
    write(join(root, "tfjs-node/index.js"), 'require("@tensorflow/tfjs-core-that-is-not-here");');
    expect(problems()).toEqual([
      expect.stringMatching(/@tensorflow\/tfjs-core-that-is-not-here, which it needs, is not installed.*dependencies again/),
    ]);
  });
  it("finds that CXX names nothing", () => {
    site = { ...site, environment: { ...site.environment, CXX: "/nowhere/g++" } };
    expect(problems()).toContainEqual(expect.stringMatching(/no C\+\+ compiler \(\/nowhere\/g\+\+\)/));
  });
  it("finds a broken library in the cache", async () => {
    await install(site);
    writeFileSync(join(libraryFolder(site, site.distributions.cpu!), "lib/libtensorflow_framework.so.2"), "cut");
    expect(problems()).toEqual([expect.stringMatching(/framework\.so\.2 has 3 bytes and should have 9.*it downloads it again/)]);
  });
  it("finds the cache cleaned under what was installed", async () => {
    await install(site);
    rmSync(site.cache, { recursive: true });
    expect(problems()).toEqual([expect.stringMatching(/library is gone.*was the cache cleaned.*npx ermine-tfjs install/)]);
  });
});

describe("the command", () => {
  it.each([
    [["docter"], /no command "docter"\. Did you mean "doctor"/],
    [["install", "--forse"], /no option "--forse"\. Did you mean "--force"/],
    [["install", "--source", "ftp"], /--source is npm or pypi, got ftp/],
  ] as const)("refuses %j", async (args, message) => {
    const { status, printed } = await command(...args);
    expect(status).toBe(1);
    expect(printed).toMatch(message);
  });
  it("prints its usage", async () =>
    expect(await command("--help")).toMatchObject({ status: 0, printed: expect.stringContaining("ermine-tfjs doctor") }));
});
