/** Flags of V8 are set where they were asked for and tested, and taken back; nothing else changes them. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { cpu, cpuPlugin, type CpuOptions } from "../src/index.js";
import { loadEngine } from "../src/engine.js";
import { compileUnder, relaxedSimd, sectionName, whyNot, wideVectors, type Feature } from "../src/v8Flags.js";
import { node20, node24, pretending, type Pretended } from "./pretended.js";
import { rings, ringsTrainer } from "./trained.js";

const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** An engine without relaxed SIMD: the module that asks for it has the instruction 0xfd 0x85 0x02. */
const withoutRelaxed = (): void => {
  const { validate } = WebAssembly;
  const asks = (bytes: Uint8Array): boolean => bytes.length < 100 && bytes.includes(0x85);
  vi.spyOn(WebAssembly, "validate").mockImplementation((bytes) => !asks(bytes as Uint8Array) && validate(bytes));
};
afterEach(() => vi.restoreAllMocks());

const both = { ERMINE_WIDE_VECTORS: "1", ERMINE_RELAXED_SIMD: "1" };

describe("flags of V8", () => {
  it.each([node20, node24])(
    "are left alone where nobody asked, and the engine says what could be had: V8 %s",
    async (version) => {
      const { value, flags } = await pretending({ v8: version }, () => cpu({ threads: 1 }));
      expect(flags).toEqual([]);
      expect(value.details).toMatchObject({ vectors: 128 });
      if (version === node24) expect(value.engine).toContain("no 256-bit vectors without flags of V8: vectors: 256 sets them");
      else expect(value.engine).not.toContain("256");
    },
  );

  it("that could be set are in a trainer's plan", async () => {
    const { value } = await pretending({}, async () => ringsTrainer(await cpu({ threads: 1 })).plan(rings(8), { batchSize: 4 }));
    expect(value.backend.engine).toContain("vectors: 256 sets them");
    expect(String(value)).toContain("vectors: 256 sets them");
  });

  it("for relaxed SIMD are left alone likewise, and the portable build runs", async () => {
    withoutRelaxed();
    const { value, flags } = await pretending({ v8: node20 }, () => cpu({ threads: 1 }));
    expect(flags).toEqual([]);
    expect(value.numerics).toBe("portable");
    expect(value.details).toMatchObject({ simd: "plain" });
    expect(value.engine).toBe("WebAssembly, SIMD, 1 thread (no relaxed SIMD without flags of V8: relaxedSimd: true sets them)");
  });

  it.each<[string, Feature, () => Promise<unknown>]>([
    ["vectors: 256", wideVectors, () => cpu({ threads: 1, vectors: 256 })],
    ["ERMINE_WIDE_VECTORS=1", wideVectors, () => cpu({ threads: 1 })],
  ])("are set and taken back for %s", async (how, { flags: expected }, make) => {
    const env: Record<string, string> = how.startsWith("ERMINE") ? { ERMINE_WIDE_VECTORS: "1" } : {};
    const { value, flags } = await pretending({ env }, make);
    expect(value).toMatchObject({ details: { vectors: 256 } });
    expect(flags.slice(0, expected.length)).toEqual(expected);
    const opposites = [
      "--no-experimental-wasm-revectorize",
      "--liftoff",
      "--wasm-lazy-compilation",
      "--wasm-dynamic-tiering",
      "--wasm-inlining",
    ];
    expect(flags.slice(expected.length)).toEqual(opposites);
  });

  it("are taken back where the module does not compile", async () => {
    const { value, flags } = await pretending({}, () => {
      try {
        return compileUnder([relaxedSimd, wideVectors], Uint8Array.of(1, 2, 3));
      } catch (error) {
        return error;
      }
    });
    expect(value).toBeInstanceOf(WebAssembly.CompileError);
    expect(flags).toHaveLength(12);
    expect(flags.slice(6, 8)).toEqual(["--no-experimental-wasm-relaxed-simd", "--no-experimental-wasm-revectorize"]);
  });

  it("are not set for what is narrow or portable by its options, whatever the environment says", async () => {
    withoutRelaxed();
    const options: CpuOptions[] = [
      { vectors: 128, numerics: "portable" },
      { vectors: 128, relaxedSimd: false },
    ];
    for (const version of [node20, node24]) {
      for (const one of options) {
        const { value, flags } = await pretending({ v8: version, env: both }, () => cpu({ threads: 1, ...one }));
        expect(flags).toEqual([]);
        expect(value.details).toMatchObject({ vectors: 128, simd: "plain" });
        expect(value.engine).not.toContain("256");
      }
    }
  });
});

const elsewhere: [string, Pretended, RegExp][] = [
  ["Bun", { versions: { bun: "1.3.0" } }, /Bun has no flags of V8/],
  ["Bun by its global", { globals: { Bun: {} } }, /Bun has no flags of V8/],
  ["Deno", { versions: { deno: "2.5.0" } }, /not set in Deno/],
  ["Electron", { v8: "13.6.233.8-electron.0" }, /V8 13\.6\.233\.8-electron\.0, which is not the one of Node/],
  ["a version without a build", { v8: "13.6.233.10" }, /not the one of Node/],
  ["no version at all", { v8: "" }, /not the one of Node/],
  ["a version that was not tested", { v8: "13.7.1.2-node.3" }, /tested with V8 13\.6, 14\.1, 14\.6, and this is 13\.7/],
  ["one that begins alike", { v8: "13.60.1.2-node.3" }, /this is 13\.60/],
  ["another processor", { arch: "arm64" }, /for x64 processors, and this one is arm64/],
  ["a program with such flags of its own", { execArgv: ["--no-liftoff"] }, /started with --no-liftoff/],
];

describe.each(elsewhere)("256-bit vectors in %s", (_, place, reason) => {
  it("are refused to an option, with the reason", async () => {
    const { value, flags } = await pretending(place, () => cpu({ threads: 1, vectors: 256 }).catch((error: unknown) => error));
    expect(value).toMatchObject({ code: "ERMINE_UNSUPPORTED", message: expect.stringMatching(reason) as string });
    expect(value).toMatchObject({ message: expect.stringContaining("ERMINE_WIDE_VECTORS=1 instead") as string });
    expect(flags).toEqual([]);
  });
  it("are left out for the environment variable, and the engine says why", async () => {
    const { value, flags } = await pretending({ ...place, env: { ERMINE_WIDE_VECTORS: "1" } }, () => cpu({ threads: 1 }));
    expect(value.details).toMatchObject({ vectors: 128 });
    expect(value.engine).toMatch(reason);
    expect(flags).toEqual([]);
  });
  it("are not offered", async () => {
    const { value } = await pretending(place, () => cpu({ threads: 1 }));
    expect(value.engine).not.toContain("256");
  });
});

describe("relaxed SIMD where the engine has it behind a flag or not at all", () => {
  it.each([
    ["Bun", { versions: { bun: "1.3.0" } }],
    ["a version that was not tested", { v8: "11.2.1.2-node.3" }],
  ] as const)("is refused in %s, or left out for the environment variable", async (_, place) => {
    withoutRelaxed();
    const asked = await pretending({ v8: node20, ...place }, () =>
      cpu({ threads: 1, relaxedSimd: true }).catch((e: unknown) => e),
    );
    expect(asked.value).toMatchObject({
      code: "ERMINE_UNSUPPORTED",
      message: expect.stringMatching(/relaxedSimd: true cannot be had/) as string,
    });
    const { value } = await pretending({ v8: node20, ...place, env: both }, () => cpu({ threads: 1 }));
    expect(value.engine).toMatch(/^WebAssembly, SIMD, 1 thread \(no relaxed SIMD: /);
    expect([...asked.flags]).toEqual([]);
  });

  it("is used with the option, without a trace in the process", async () => {
    const native = await isNative();
    const asked = await cpu({ threads: 1, relaxedSimd: true });
    expect(asked).toMatchObject({ numerics: "fast", details: { simd: "relaxed" } });
    expect(await isNative()).toBe(native);
    const left = await cpu({ threads: 1, relaxedSimd: false });
    expect(left.numerics).toBe(native ? "fast" : "portable");
  });
});

/** Does the relaxed build compile as the process is? */
async function isNative(): Promise<boolean> {
  const { load } = await import("../src/wasm/fast.js");
  return WebAssembly.validate(await load());
}

describe("options and variables with wrong values", () => {
  it.each([
    [{ vectors: "auto" }, /vectors is 128 or 256, got "auto"/],
    [{ vectors: 64 }, /vectors is 128 or 256, got 64/],
    [{ vectors: null }, /got null/],
    [{ relaxedSimd: 1 }, /relaxedSimd is true or false, got 1/],
    [{ relaxedSimd: true, numerics: "portable" }, /portable" has no relaxed SIMD/],
  ])("%j", async (options, message) => {
    await expect(cpu(options as CpuOptions)).rejects.toThrow(message);
    await expect(cpu(options as CpuOptions)).rejects.toMatchObject({ code: "ERMINE_OPTION" });
  });

  it.each(["yes", "true", "256", " 1"])("ERMINE_WIDE_VECTORS=%s", async (value) => {
    const refusal = await pretending({ env: { ERMINE_WIDE_VECTORS: value } }, () => cpu({ threads: 1 }).catch((e: unknown) => e));
    expect(refusal.value).toMatchObject({
      code: "ERMINE_OPTION",
      message: expect.stringContaining(`ERMINE_WIDE_VECTORS is 1 or 0, got`) as string,
    });
  });

  it("0 and nothing are no", async () => {
    for (const value of ["0", ""]) {
      const { value: backend } = await pretending({ env: { ERMINE_WIDE_VECTORS: value } }, () => cpu({ threads: 1 }));
      expect(backend.details).toMatchObject({ vectors: 128 });
    }
  });
});

describe("wide vectors with other bits", () => {
  /** `cpu` of sources that were loaded anew, whose check says no. */
  const disagreeing = async (): Promise<typeof cpu> => {
    vi.resetModules();
    vi.doMock("../src/vectors.js", () => ({ agreeWide: () => false }));
    return (await import("../src/index.js")).cpu;
  };
  afterEach(() => {
    vi.doUnmock("../src/vectors.js");
    vi.resetModules();
  });

  it("are refused to an option", async () => {
    const make = await disagreeing();
    const { value } = await pretending({}, () => make({ threads: 1, vectors: 256 }).catch((e: unknown) => e));
    expect(value).toMatchObject({ code: "ERMINE_UNSUPPORTED", message: expect.stringMatching(/other bits/) as string });
  });

  it("are left out for the environment variable: the module is compiled again, without flags", async () => {
    const make = await disagreeing();
    const { value, flags } = await pretending({ env: both }, () => make({ threads: 1 }));
    expect(value.details).toMatchObject({ vectors: 128 });
    expect(value.engine).toContain("no 256-bit vectors: a product had other bits with them");
    expect(flags.filter((flag) => flag === "--experimental-wasm-revectorize")).toHaveLength(1);
  });
});

it("bytes compiled under flags are others than those without, as V8 gives the same bytes what it compiled before", async () => {
  const sections = ({ module }: { module: WebAssembly.Module }): number =>
    WebAssembly.Module.customSections(module, sectionName).length;
  const options = { numerics: "portable", threads: 1 } as const;
  const { value: wide } = await pretending({}, () => loadEngine({ ...options, vectors: 256 }));
  expect(sections(wide)).toBe(1);
  expect(sections(await loadEngine({ ...options, vectors: 128 }))).toBe(0);
  const { value: module } = await pretending({}, () => compileUnder([wideVectors], empty));
  const [section] = WebAssembly.Module.customSections(module, sectionName);
  expect(new TextDecoder().decode(section)).toBe(wideVectors.flags.join(" "));
});

it("what cannot be read of the process is no Node", async () => {
  const { value } = await pretending({ globals: { process: undefined } }, () => whyNot(wideVectors));
  expect(value).toBe("this is not Node");
});

describe("the plugin's probe", () => {
  it("makes no memory and no instance, and says what the backend says", async () => {
    const uncalled = [
      vi.spyOn(WebAssembly, "Memory"),
      vi.spyOn(WebAssembly, "Instance"),
      vi.spyOn(WebAssembly, "instantiate"),
      vi.spyOn(WebAssembly, "compile"),
    ];
    const modules = vi.spyOn(WebAssembly, "Module");
    const probed = await cpuPlugin.probe();
    for (const spy of uncalled) expect(spy).not.toHaveBeenCalled();
    expect(modules.mock.calls.map(([bytes]) => (bytes as Uint8Array).length)).toEqual([30]);
    vi.restoreAllMocks();
    expect(probed).toEqual({ available: true, engine: (await cpu()).engine });
  });
});
