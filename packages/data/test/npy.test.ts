/** Arrays of NumPy's files: any rows of them, and trainings that take a block at a time. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNpy } from "@ermine/formats";
import { manualSeed, mse } from "@ermine/core";
import { Linear } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { sgd, Trainer, type Dataset } from "@ermine/trainer";
import { verifyResume } from "@ermine/trainer/checkpoint";
import { afterAll, describe, expect, it } from "vitest";
import { file } from "../src/node.js";
import { npyDatasets, openNpy } from "../src/npy.js";
import { batchesOf } from "./batches.js";
import { refusal } from "./refusal.js";

const folder = mkdtempSync(join(tmpdir(), "ermine-npy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An npy file of a header that NumPy writes, in whatever order and dtype. */
function npy(descr: string, shape: readonly number[], bytes: Uint8Array, fortran = false): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${sizes}), }`.padEnd(117) + "\n";
  const header = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8);
  return Uint8Array.from([...header, ...new TextEncoder().encode(text), ...bytes]);
}
const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const ten = Float32Array.from({ length: 20 }, (_, i) => i);
const inputs = writeNpy({ shape: [10, 2], data: ten });
const targets = writeNpy({ shape: [10], data: Float32Array.from({ length: 10 }, (_, i) => 10 * i) });

describe("an npy file", () => {
  it("is opened by its header, and gives any of its rows", async () => {
    const path = join(folder, "inputs.npy");
    writeFileSync(path, inputs);
    for (const source of [inputs, new Blob([Uint8Array.from(inputs)]), file(path)]) {
      const opened = await openNpy(source);
      expect([opened.shape, opened.dtype, opened.length]).toEqual([[10, 2], "float32", 10]);
      const rows = await opened.rows(3, 5);
      expect([rows.shape, [...(rows.elements() as Float32Array)]]).toEqual([
        [2, 2],
        [6, 7, 8, 9],
      ]);
      expect((await opened.rows(10, 10)).shape).toEqual([0, 2]);
      expect((await opened.rows(0, 10)).elements()).toEqual(ten);
    }
  });

  it.each<[string, Uint8Array, readonly number[]]>([
    ["bytes", npy("|u1", [4], Uint8Array.of(1, 2, 3, 4)), [2, 3]],
    ["truths", npy("|b1", [4], Uint8Array.of(0, 1, 1, 0)), [1, 1]],
    ["the other byte order", npy(">i2", [4], Uint8Array.of(0, 1, 0, 2, 0, 3, 0, 4)), [2, 3]],
    ["doubles", npy("<f8", [4], bytesOf(Float64Array.of(1, 2, 3, 4))), [2, 3]],
    ["halves", npy("<f2", [4], bytesOf(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400))), [2, 3]],
    ["int64", npy("<i8", [4], bytesOf(BigInt64Array.of(1n, 2n, 3n, 4n))), [2, 3]],
    ["Fortran's order, of one axis", npy("<f4", [4], bytesOf(Float32Array.of(1, 2, 3, 4)), true), [2, 3]],
  ])("may hold %s", async (_, bytes, expected) => {
    expect([...(await (await openNpy(bytes)).rows(1, 3)).toHostTensor().data].map(Number)).toEqual(expected);
  });

  it.each<[string, () => unknown, string, RegExp]>([
    [
      "a file that is cut short",
      () => openNpy(inputs.subarray(0, inputs.length - 1)),
      "ERMINE_DATA",
      /the bytes.*float32\[10, 2\], 80 bytes, and 79 follow its header/,
    ],
    ["a text", () => openNpy(new Blob(["hello"])), "ERMINE_DATA", /does not begin with/],
    ["nothing", () => openNpy(new Uint8Array(0)), "ERMINE_DATA", /does not begin with/],
    ["a scalar", () => openNpy(npy("<f4", [], bytesOf(Float32Array.of(1)))), "ERMINE_DATA", /header|no rows/],
    ["no rows", () => openNpy(npy("<f4", [0, 3], new Uint8Array(0))), "ERMINE_DATA", /float32\[0, 3\], which has no rows/],
    [
      "Fortran's order",
      () => openNpy(npy("<f4", [2, 2], bytesOf(Float32Array.of(1, 2, 3, 4)), true)),
      "ERMINE_UNSUPPORTED",
      /ascontiguousarray/,
    ],
    ["pickles", () => openNpy(npy("|O", [2], new Uint8Array(16))), "ERMINE_UNSUPPORTED", /pickled/],
    [
      "rows beyond the end",
      async () => (await openNpy(inputs)).rows(8, 11),
      "ERMINE_VALUE",
      /rows\(8, 11\): the bytes has 10 rows, 0 … 9/,
    ],
    ["half a row", async () => (await openNpy(inputs)).rows(0.5, 1), "ERMINE_VALUE", /rows\(0\.5, 1\)/],
    [
      "files of different lengths",
      async () => npyDatasets({ inputs: await openNpy(inputs), targets: await openNpy(npy("|u1", [3], new Uint8Array(3))) }),
      "ERMINE_DATA",
      /has 10 rows and the bytes 3/,
    ],
    ["bytes that were not opened", () => npyDatasets({ inputs: inputs as never }), "ERMINE_USAGE", /await openNpy\(source\)/],
    ["no inputs", () => npyDatasets({ inputs: {} }), "ERMINE_USAGE", /there are no inputs/],
    [
      "no rows at a time",
      async () => npyDatasets({ inputs: await openNpy(inputs) }, { rows: 0 }),
      "ERMINE_OPTION",
      /rows is a whole number ≥ 1/,
    ],
    [
      "integers beyond int32",
      async () => npyDatasets({ inputs: await openNpy(npy("<i8", [1], bytesOf(BigInt64Array.of(2n ** 40n)))) }).toArray(),
      "ERMINE_DTYPE",
      /int32/,
    ],
  ])("is not %s", async (_, act, code, message) => {
    const error = await refusal(act);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it("that has changed meanwhile is refused", async () => {
    const path = join(folder, "changing.npy");
    writeFileSync(path, inputs);
    const opened = await openNpy(file(path));
    writeFileSync(path, readFileSync(path).subarray(0, 150));
    expect((await refusal(() => opened.rows(0, 1))).message).toMatch(
      /changing\.npy had 208 bytes when it was opened, and has 150/,
    );
  });
});

describe("blocks of npy files", () => {
  const data = async (rows: number) => npyDatasets({ inputs: await openNpy(inputs), targets: await openNpy(targets) }, { rows });
  const firsts = (parts: readonly Dataset[]): number[] =>
    parts.flatMap(({ inputs: column }) => [...(column as unknown as { data: Float32Array }).data].filter((_, i) => i % 2 === 0));

  it("are all rows once, in order without a seed, in random order with one, another in each epoch", async () => {
    const blocks = await data(4);
    const all = Array.from({ length: 10 }, (_, i) => 2 * i);
    expect(firsts(await blocks.toArray())).toEqual(all);
    const [first, again, next] = await Promise.all(
      [0, 0, 1].map(async (epoch) => firsts(await blocks.toArray({ epoch, seed: 3 }))),
    );
    expect(again).toEqual(first);
    expect(next).not.toEqual(first);
    expect(first).not.toEqual(all);
    for (const order of [first!, next!]) expect(order.toSorted((a, b) => a - b)).toEqual(all);
  });

  it("keep bytes as bytes, and several inputs by their names", async () => {
    const pixels = await openNpy(npy("|u1", [3, 2], Uint8Array.of(0, 1, 2, 253, 254, 255)));
    const targetsOfInputs = await openNpy(npy("<i4", [3], bytesOf(Int32Array.of(7, 8, 9))));
    const [part] = await npyDatasets({
      inputs: { pixels, targets: targetsOfInputs },
      targets: pixels,
      sampleWeights: targetsOfInputs,
    }).toArray();
    const columns = part!.inputs as unknown as Record<string, { data: Uint8Array; dtype: string }>;
    expect(columns["pixels"]!.data).toEqual(Uint8Array.of(0, 1, 2, 253, 254, 255));
    expect(columns["pixels"]!.dtype).toBe("int32");
    expect([...columns["targets"]!.data]).toEqual([7, 8, 9]);
    expect(Array.from(part!.sampleWeights!.data)).toEqual([7, 8, 9]);
  });

  it("go on in the middle of a block where they were, to the same bits", async () => {
    const source = (await data(4)).map((part) => part).source({ length: 10 });
    expect(source.resume).toBe("seek");
    const all = await batchesOf(source, { batchSize: 3, seed: 5 });
    for (const [i, { cursor }] of all.entries())
      if (i + 1 < all.length) expect(await batchesOf(source, { batchSize: 3, seed: 5, from: cursor })).toEqual(all.slice(i + 1));
    manualSeed(0);
    const shaped = npyDatasets(
      { inputs: await openNpy(inputs), targets: await openNpy(writeNpy({ shape: [10, 1], data: ten.subarray(0, 10) })) },
      { rows: 4 },
    ).source({ length: 10 });
    const trainer = new Trainer({
      model: new Linear(2, 1),
      loss: mse,
      optimizer: sgd({ learningRate: 1e-3 }),
      backend: reference(),
    });
    expect((await verifyResume(trainer, shaped, 3, { batchSize: 3 })).updates).toBe(6);
  });
});
