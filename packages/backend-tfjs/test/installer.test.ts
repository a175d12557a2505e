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
    `const { readFileSync } = require("node:fs");
     const version = readFileSync(__dirname + "/deps/lib/libtensorflow_cc.so.2", "utf8");
     if (version === "other") throw new Error("undefined symbol: TF_NewGraph");
     exports.backend = () => ({ binding: { TF_Version: version, isUsingGpuDevice: () => false } });`,
  );
  for (const name of ["tfjs_backend.cc", "tfjs_binding.cc"]) write(join(tfjs, "binding", name), "// source");
  tool(
    "python3",
    `echo "$@" >> ${root}/python.log
     case "$2" in
       pip) [ "$3" = --version ] && exit 0
            while [ "$1" != --dest ]; do shift; done; printf '${wheelText}' > "$2/fake.whl" ;;
       *) mkdir -p "$3/lib" "$3/include"; printf 2.21.0 > "$3/lib/libtensorflow_cc.so.2"; printf framework > "$3/lib/libtensorflow_framework.so.2" ;;
     esac`,
  );
  tool("g++", `echo "$@" >> ${root}/compiler.log; while [ "$1" != -o ]; do shift; done; printf addon > "$2"`);
  const wheel = {
    project: "tensorflow-cpu",
    version: "2.21.0",
    file: "fake.whl",
    sha256: createHash("sha256").update(wheelText).digest("hex"),
    python: "3.11",
    abi: "cp311",
    platform: "any",
    room: 1000,
  };
  const found = { name: "@tensorflow/tfjs-node" as const, root: tfjs, version: "4.22.0" };
  site = { ...siteFor(found, () => undefined), cache: join(root, "cache"), wheel, environment: { PATH: join(root, "bin") } };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function realOf(name: string): string {
  const folder = ["/bin", "/usr/bin"].find((place) => existsSync(join(place, name)));
  return join(folder!, name);
}

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
      join(libraryFolder(site, site.wheel!), "lib/libtensorflow_cc.so.2"),
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
    site = { ...site, wheel: { ...site.wheel!, room: 1e18 } };
    await expect(install(site)).rejects.toThrow(/free, and 1000000000000 MB are needed.*XDG_CACHE_HOME/s);
  });
  it("refuses a download with another hash, deletes it, and says so", async () => {
    site = { ...site, wheel: { ...site.wheel!, sha256: "0".repeat(64) } };
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
    site = { ...site, wheel: undefined, machine: "sunos-sparc" };
    await expect(install(site)).rejects.toThrow(/no pinned wheel of TensorFlow for sunos-sparc/);
  });
  it("needs tfjs-node", async () => {
    site = { ...site, package: undefined };
    await expect(install(site)).rejects.toThrow(/tfjs-node is not installed.*npm install/);
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
    writeFileSync(join(libraryFolder(site, site.wheel!), "lib/libtensorflow_framework.so.2"), "cut");
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
