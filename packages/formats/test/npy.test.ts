import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { readNpy, writeNpy } from "../src/index.js";
import { readNpz, writeNpz } from "../src/npz.js";
import { mutatedNpy } from "./npyVerdicts.js";
import { refusal } from "./refusal.js";

const golden = (name: string): Buffer => readFileSync(new URL(`../golden/python/${name}`, import.meta.url));
const expected = JSON.parse(golden("npy.json").toString()) as Record<
  string,
  { dtype: string; shape: number[]; elements: string[] }
>;

const numbers = (texts: readonly string[]): number[] => texts.map((text) => Number(text.replace("inf", "Infinity")));

describe("what NumPy wrote", () => {
  it.each(Object.keys(expected))("%s", (name) => {
    const array = readNpy(golden(`${name}.npy`));
    const { dtype, shape, elements } = expected[name]!;
    expect(array.dtype).toBe(dtype);
    expect(array.shape).toEqual(shape);
    if (dtype.endsWith("int64")) expect(Array.from(array.elements(), String)).toEqual(elements);
    else expect(Array.from(array.elements(), Number)).toEqual(numbers(elements));
  });

  it.each(["plain.npz", "compressed.npz"])("%s", async (name) => {
    const arrays = await readNpz(golden(name));
    expect([...arrays.keys()]).toEqual(["weights", "bias"]);
    expect(arrays.get("weights")!.toHostTensor()).toEqual({
      shape: [2, 3, 4, 5],
      dtype: "int32",
      data: Int32Array.from({ length: 120 }, (_, i) => i),
    });
    expect(arrays.get("bias")!.elements()).toEqual(Float32Array.of(0, 1, 2));
  });

  it.each([
    ["object", "pickled"],
    ["text", "texts"],
    ["complex", "complex"],
    ["dates", "dates"],
    ["records", "structured array"],
  ])("%s is refused, with what to save instead", (name, message) => {
    const error = refusal(() => readNpy(golden(`refused-${name}.npy`)));
    expect(error.code).toBe("ERMINE_UNSUPPORTED");
    expect(error.message).toContain(message);
  });
});

describe("as ermine holds it", () => {
  it("bytes and short integers are int32, float64 keeps its digits, bool is bool", () => {
    expect(readNpy(golden("uint16-big-F.npy")).toHostTensor().data).toEqual(Int32Array.of(0, 65535, 0, 1, 2, 100));
    expect(readNpy(golden("version3.npy")).toHostTensor()).toEqual({
      shape: [3],
      dtype: "float32",
      data: Float64Array.of(0, 1, 2),
    });
    expect(readNpy(golden("bool-little-C.npy")).toHostTensor()).toEqual({
      shape: [2, 3],
      dtype: "bool",
      data: Uint8Array.of(1, 0, 1, 0, 0, 1),
    });
  });

  it("an int64 beyond int32 names the element", () => {
    expect(refusal(() => readNpy(golden("int64-little-C.npy")).toHostTensor()).message).toContain(
      "element 0 is -9223372036854775808",
    );
    expect(refusal(() => readNpy(golden("uint32-little-C.npy")).toHostTensor()).message).toContain("element 1 is 4294967295");
  });
});

describe("what is written is read", () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
  it("every dtype and shape", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.boolean(), async (shape, seed, compress) => {
        const length = shape.reduce((a, b) => a * b, 1);
        const value = (i: number): number => ((seed + i * 7919) % 251) - 100;
        const arrays = {
          f: { shape, data: Float32Array.from({ length }, (_, i) => value(i) / 3) },
          d: { shape, data: Float64Array.from({ length }, (_, i) => value(i) / 3) },
          h: { shape, dtype: "float16" as const, data: Float32Array.from({ length }, (_, i) => value(i) / 4) },
          b: { shape, dtype: "bool" as const, data: Uint8Array.from({ length }, (_, i) => value(i) & 1) },
          l: { shape, data: BigInt64Array.from({ length }, (_, i) => BigInt(value(i))) },
          s: { shape, data: Int16Array.from({ length }, (_, i) => value(i)) },
        };
        for (const array of Object.values(arrays)) {
          const readBack = readNpy(writeNpy(array));
          expect([readBack.shape, readBack.elements()]).toEqual([shape, array.data]);
        }
        const archive = await readNpz(await writeNpz(arrays, { compress }));
        for (const [name, { data }] of Object.entries(arrays)) expect(archive.get(name)!.elements()).toEqual(data);
      }),
      { numRuns: 60 },
    );
  });

  it("equal arrays are equal archives, any name is a key", async () => {
    const names = ["../../etc/x", "__proto__", "a/b", "\u{1f600}", ""];
    const arrays = new Map(names.map((name, i) => [name, { shape: [1], data: Float32Array.of(i) }]));
    const [one, two] = [await writeNpz(arrays, { compress: true }), await writeNpz(arrays, { compress: true })];
    expect(one).toEqual(two);
    const archive = await readNpz(one);
    expect([...archive.keys()]).toEqual(names);
  });
});

describe("what is refused", () => {
  const file = writeNpy({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
  it("every length but its own", () => {
    for (let length = 0; length < file.length; length++)
      expect(refusal(() => readNpy(file.subarray(0, length))).code).toBe("ERMINE_DATA");
    expect(refusal(() => readNpy(Buffer.concat([file, Uint8Array.of(0)]))).message).toContain("numpy.savez");
  });

  it("a header that claims gigabytes", () => {
    const changed = file.slice();
    changed[6] = 2;
    changed.set([255, 255, 255, 255], 8);
    expect(refusal(() => readNpy(changed)).message).toContain("claims a header");
  });

  it("2,000 damaged archives: a clear error, or every array as it was", async () => {
    const arrays = { a: { shape: [3], data: Float32Array.of(1, 2, 3) }, b: { shape: [40], data: new Int32Array(40) } };
    const archives = [await writeNpz(arrays), await writeNpz(arrays, { compress: true })];
    let read = 0;
    for (let seed = 0; seed < 2_000; seed++) {
      try {
        const archive = await readNpz(mutatedNpy(archives[seed % 2]!, seed));
        for (const array of archive.values())
          expect([[...arrays.a.data], [...arrays.b.data]]).toContainEqual([...array.elements()]);
        read++;
      } catch (error) {
        if (!(error instanceof ErmineError)) expect.fail(`seed ${seed}: ${String((error as Error).stack)}`);
      }
    }
    expect(read).toBeGreaterThan(50);
    // As long as the machine is busy.
  }, 60_000);

  it("an archive that claims more than may be read, a member that is no array, no archive at all", async () => {
    const small = await writeNpz({ a: { shape: [100_000], data: new Float64Array(100_000) } }, { compress: true });
    expect(small.length).toBeLessThan(5000);
    await expect(readNpz(small, { maxBytes: 1000 })).rejects.toThrow("maxBytes: 800128");
    await expect(readNpz(Uint8Array.of(1, 2, 3))).rejects.toThrow("no zip archive");
    await expect(readNpz("data.npz" as never)).rejects.toThrow("readFile");
    await expect(readNpz(small, { max: 1 } as never)).rejects.toThrow("maxBytes");
    await expect(writeNpz({ a: { shape: [2], data: Float32Array.of(1) } })).rejects.toThrow('"a": 1 elements do not fill');
    await expect(writeNpz([] as never)).rejects.toThrow("by name");
    const named = (name: unknown) => new Map([[name, { shape: [1], data: Float32Array.of(1) }]]) as never;
    for (const name of [1, Symbol("a"), undefined, "\ud800"])
      await expect(writeNpz(named(name))).rejects.toThrow("names and metadata are texts");
    await expect(writeNpz(named("x".repeat(65_532)))).rejects.toThrow("at most 65535 bytes");
    expect([...(await readNpz(await writeNpz(named("x".repeat(65_531))))).keys()][0]).toHaveLength(65_531);
  });

  it("writing what does not fit", () => {
    expect(refusal(() => writeNpy({ shape: [1], dtype: "int8", data: Float32Array.of(200) })).message).toContain(
      "element 0 is 200",
    );
    expect(refusal(() => writeNpy({ shape: [1], dtype: "int23" as never, data: Float32Array.of(2) })).message).toMatch(
      /Did you mean "int/,
    );
    expect(refusal(() => writeNpy({ shape: [1], data: [2] as never })).message).toContain("typed array");
    expect(refusal(() => writeNpy(undefined as never)).code).toBe("ERMINE_SHAPE");
  });
});
