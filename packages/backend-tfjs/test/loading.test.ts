import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tfjs } from "../src/index.js";
import { supplyDroppedFunctions } from "../src/native/load.js";
import { locate } from "../src/native/locate.js";
import { addonPath, nativeProblem } from "../src/native/problem.js";
import { describeNative } from "./native.js";

let root: string;
const place = (name: string): string => pathToFileURL(join(root, name, "index.js")).href;
function copyIn(folder: string, version: string): void {
  const target = join(root, folder, "node_modules/@tensorflow/tfjs-node");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "package.json"), JSON.stringify({ name: "@tensorflow/tfjs-node", version }));
}

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "ermine-locate-")));
  copyIn("one", "4.22.0");
  copyIn("two", "4.21.0");
  mkdirSync(join(root, "linked/node_modules/@tensorflow"), { recursive: true });
  symlinkSync(join(root, "one/node_modules/@tensorflow/tfjs-node"), join(root, "linked/node_modules/@tensorflow/tfjs-node"));
  mkdirSync(join(root, "none"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("which tfjs-node", () => {
  it("is the application's, links followed", () => {
    const nodePackage = {
      name: "@tensorflow/tfjs-node",
      root: join(root, "one/node_modules/@tensorflow/tfjs-node"),
      version: "4.22.0",
    };
    expect(locate("cpu", [place("one"), place("linked")], () => [])).toEqual(nodePackage);
  });
  it("is the one for CPUs where a GPU is asked for and there is no other: its library may be the one for GPUs", () =>
    expect(locate("gpu", [place("one")], () => [])).toMatchObject({ name: "@tensorflow/tfjs-node" }));
  it("is an error that names both paths where there are two copies", () => {
    const [one, two] = ["one", "two"].map((name) => join(root, name, "node_modules/@tensorflow/tfjs-node"));
    expect(() => locate("cpu", [place("one"), place("two")], () => [])).toThrow(
      new RegExp(`two copies of @tensorflow/tfjs-node.*\\n  ${one}\\n  ${two}\\n.*dedupe`, "s"),
    );
  });
});

describe("what newer Node has dropped", () => {
  it("is supplied, and nothing that is there is touched", async () => {
    supplyDroppedFunctions();
    const util = (await import("node:util")).default as unknown as {
      isNullOrUndefined(value: unknown): boolean;
      isArray(value: unknown): boolean;
    };
    const before = [util.isNullOrUndefined, util.isArray];
    supplyDroppedFunctions();
    expect([util.isNullOrUndefined, util.isArray]).toEqual(before);
    expect([null, undefined, 0, ""].map((value) => util.isNullOrUndefined(value))).toEqual([true, true, false, false]);
    expect([[], "a"].map((value) => util.isArray(value))).toEqual([true, false]);
  });
});

describe("options", () => {
  it("are refused where there is none of that name, or no such number of threads", async () => {
    await expect(tfjs({ thread: 2 } as never)).rejects.toThrow(/no option "thread".*"threads"/);
    await expect(tfjs({ threads: 0 })).rejects.toThrow(/threads is a whole number ≥ 1, got 0/);
  });
});

/** A process of its own, because TensorFlow is loaded once in each. */
function inProcess(script: string, cwd = fileURLToPath(new URL("..", import.meta.url))): { output: string; errors: string } {
  const entry = new URL("../dist/index.js", import.meta.url).href;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", `const { tfjs } = await import(${JSON.stringify(entry)});\n${script}`],
    {
      cwd,
      encoding: "utf8",
      env: { PATH: process.env["PATH"] },
    },
  );
  return { output: stdout.trim(), errors: stderr };
}

/** A tfjs-node-gpu whose TensorFlow sees a device, or none. */
function gpuPackage(folder: string, visible: boolean): string {
  const target = join(root, folder, "node_modules/@tensorflow/tfjs-node-gpu");
  mkdirSync(join(target, "lib/napi-v8"), { recursive: true });
  writeFileSync(
    join(target, "package.json"),
    JSON.stringify({ name: "@tensorflow/tfjs-node-gpu", version: "4.22.0", main: "index.js" }),
  );
  writeFileSync(join(target, "lib/napi-v8/tfjs_binding.node"), "");
  writeFileSync(
    join(target, "index.js"),
    `exports.findBackend = () => ({ binding: { TF_Version: "2.9.1", isUsingGpuDevice: () => ${visible} } });`,
  );
  return join(root, folder);
}

describe('device: "gpu"', () => {
  const script = `
    const backend = await tfjs({ device: "gpu" }).catch((error) => error);
    console.log(backend.message ?? [backend.name, backend.engine, backend.isUsingGpuDevice, backend.details.device].join());`;
  it("uses the GPU package, and says that it does", () => {
    expect(inProcess(script, gpuPackage("visible", true))).toEqual({ output: "tfjs,TensorFlow 2.9.1, GPU,true,GPU", errors: "" });
  });
  it("is an error where TensorFlow sees no device", () => {
    const { output } = inProcess(script, gpuPackage("invisible", false));
    expect(output).toMatch(
      /tfjs-node-gpu is loaded, but TensorFlow sees no GPU\. Run: npx ermine-tfjs install --gpu; .*CUDA_VISIBLE_DEVICES/,
    );
  });
});

describeNative("a TensorFlow without a GPU", () => {
  it('is no device "gpu", and says how to get one', () => {
    const { output } = inProcess(`await tfjs({ device: "gpu" }).catch((error) => console.log(error.code, error.message));`);
    expect(output).toMatch(/^ERMINE_BACKEND .*sees no GPU\. Run: npx ermine-tfjs install --gpu/);
  });
  it("hides every device where the CPU is asked for, and has no TF32 unless it is asked for", () => {
    const { output } = inProcess(`
      const backend = await tfjs({ device: "cpu" });
      console.log(backend.details.device, process.env.CUDA_VISIBLE_DEVICES, process.env.NVIDIA_TF32_OVERRIDE);
      await tfjs({ tf32: true }).catch((error) => console.log(error.code, error.message));
      await tfjs({ tf32: false });
    `);
    expect(output).toMatch(/^CPU -1 0\nERMINE_USAGE TensorFlow is loaded already, without TF32.*NVIDIA_TF32_OVERRIDE=1/);
  });
});

describeNative("TensorFlow's settings", () => {
  it("take effect before it is loaded, and are refused later", () => {
    const { output } = inProcess(`
      const backend = await tfjs({ threads: 1 });
      console.log(process.env.TF_NUM_INTRAOP_THREADS, process.env.TF_DETERMINISTIC_OPS, backend.engine.includes(backend.tensorflow));
      await tfjs({ threads: 1, deterministic: true });
      await tfjs({ threads: 2 }).catch((error) => console.log(error.code, error.message));
      await tfjs({ deterministic: false }).catch((error) => console.log(error.code, error.message));
    `);
    expect(output).toMatch(
      /^1 1 true\nERMINE_USAGE TensorFlow is loaded already, with 1 threads, and cannot have 2.*\nERMINE_USAGE .*deterministic true/,
    );
  });
  const isCompiledHere = existsSync(join(dirname(addonPath(locate()!.root)), "quiet.node"));
  it.runIf(isCompiledHere)(
    "mute stderr while the library is loaded where that is asked for, and leave it alone otherwise",
    () => {
      const load = (options: string, before = ""): { output: string; errors: string } =>
        inProcess(`
        import { createRequire } from "node:module";
        ${before}
        const { name } = await tfjs(${options});
        const muted = Object.keys(createRequire(process.cwd() + "/").cache).some((file) => file.endsWith("quiet.node"));
        console.log(name, muted);
        console.error("written later");`);
      expect(load("")).toMatchObject({ output: "tfjs false", errors: expect.stringContaining("written later") as string });
      for (const muted of [load("{ muteStderr: true }"), load("", 'process.env.ERMINE_MUTE_TENSORFLOW = "1";')])
        expect(muted).toEqual({ output: "tfjs true", errors: "written later\n" });
    },
  );
  // tfjs-node's own installer compiles nothing, and without limit.node TensorFlow's kernels decide.
  const isLimited = existsSync(join(dirname(addonPath(locate()!.root)), "limit.node"));
  it.each([["small", 8] as const, ...(isLimited ? [["middling", 320] as const] : [])])(
    "let a %s program run without waking another thread",
    (_, side) => {
      const { output } = inProcess(`
      const core = { ...(await import("@ermine/core")), ...(await import("@ermine/core/backend")) };
      const backend = await tfjs({ threads: 2 });
      const v = new core.Variable(core.zeros([${side}, ${side}]));
      const { graph } = core.traceEntry("step", () => ((v.value = core.exp(core.neg(v.value))), core.sum(v.value)));
      const program = core.compileModule(backend, core.graphModule({ step: graph }));
      const run = () => program.run("step", {}).forEach((storage) => backend.release(storage));
      for (let i = 0; i < 50; i++) run();
      const before = process.resourceUsage().voluntaryContextSwitches;
      for (let i = 0; i < 400; i++) run();
      console.log((process.resourceUsage().voluntaryContextSwitches - before) / 400);
    `);
      expect(Number(output)).toBeLessThan(0.5);
    },
  );
  it("are those of whoever loaded tfjs-node first", () => {
    const { output } = inProcess(`
      import { createRequire } from "node:module";
      const require = createRequire(process.cwd() + "/package.json");
      require("node:util").isNullOrUndefined ??= (value) => value == null;
      require("@tensorflow/tfjs-node");
      await tfjs({ threads: 3 }).catch((error) => console.log(error.message));
      console.log((await tfjs()).name);
    `);
    expect(output).toMatch(/^TensorFlow is loaded already, with its own number of threads, and cannot have 3[^]*\ntfjs$/);
  });
});

describe("a native part that is not whole", () => {
  interface Said {
    readonly message: string;
    readonly available: boolean;
    readonly said: string;
  }

  /** The backend's report in an application of its own, which has a copy of it. */
  function said(folder: string): Said {
    const packages = join(root, folder, "node_modules/@ermine");
    const copy = join(packages, "backend-tfjs");
    mkdirSync(copy, { recursive: true });
    cpSync(fileURLToPath(new URL("../dist", import.meta.url)), join(copy, "dist"), { recursive: true });
    writeFileSync(join(copy, "package.json"), JSON.stringify({ type: "module" }));
    symlinkSync(fileURLToPath(new URL("../../core", import.meta.url)), join(packages, "core"));
    const script = `
      const { tfjsPlugin } = await import(${JSON.stringify(pathToFileURL(join(copy, "dist/index.js")).href)});
      const { message } = await tfjsPlugin.create().catch((error) => error);
      const { available, reason, remedy } = await tfjsPlugin.probe();
      console.log(JSON.stringify({ message, available, said: reason + " " + remedy }));`;
    return JSON.parse(inProcess(script, join(root, folder)).output) as Said;
  }

  function installed(folder: string): string {
    copyIn(folder, "4.22.0");
    const target = join(root, folder, "node_modules/@tensorflow/tfjs-node");
    mkdirSync(join(target, "lib/napi-v8"), { recursive: true });
    mkdirSync(join(target, "deps/lib"), { recursive: true });
    writeFileSync(addonPath(target), "");
    return target;
  }

  it("is told at run time as doctor tells it: the cache that the library is linked to is gone", () => {
    symlinkSync(join(root, "no-cache/libtensorflow_cc.so.2"), join(installed("dangling"), "deps/lib/libtensorflow_cc.so.2"));
    const { message, available, said: probed } = said("dangling");
    expect(message).toMatch(/library is gone: .*libtensorflow_cc\.so\.2 leads to .*no-cache.*Run: npx ermine-tfjs install/);
    expect(available).toBe(false);
    expect(probed).toBe(message);
  });
  it("tells apart a library in the folder of another user", () => {
    const closed = join(root, "closed");
    mkdirSync(closed);
    writeFileSync(join(closed, "libtensorflow_framework.so.2"), "");
    symlinkSync(
      join(closed, "libtensorflow_framework.so.2"),
      join(installed("other-user"), "deps/lib/libtensorflow_framework.so.2"),
    );
    const problem = nativeProblem(join(root, "other-user/node_modules/@tensorflow/tfjs-node"), () => {
      throw Object.assign(new Error("denied"), { code: "EACCES" });
    });
    expect(problem?.problem).toMatch(/cannot be read by this user/);
    expect(problem?.remedy).toMatch(/Run as this user: npx ermine-tfjs install; or set XDG_CACHE_HOME/);
  });
  it("the package that npm has removed is added without its script", () => {
    const { message, said: probed } = said("none");
    expect(message).toMatch(
      /tfjs-node is not installed\. .*npm install --ignore-scripts @tensorflow\/tfjs-node@4\.22.*ermine-tfjs install/,
    );
    expect(probed).toBe(message);
  });
});
