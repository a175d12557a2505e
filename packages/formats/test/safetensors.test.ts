import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ErmineError, tensor, withBackend, type TypedArray } from "@ermine/core";
import { BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import {
  fromHalf,
  readSafetensors,
  readSafetensorsHeader,
  safetensorsHeaderEnd,
  safetensorsParts,
  toHalf,
  writeSafetensors,
  type WritableTensor,
} from "../src/index.js";
import { fileOf } from "./corpus.js";
import { refusal } from "./refusal.js";

const golden = (name: string): Buffer => readFileSync(new URL(`../golden/python/${name}`, import.meta.url));

describe("what safetensors wrote from PyTorch", () => {
  const file = readSafetensors(golden("dtypes.safetensors"));
  const expected = JSON.parse(golden("dtypes.json").toString()) as Record<
    string,
    { shape: number[]; elements: (string | number)[] }
  >;

  it("has the same names and metadata", () => {
    expect([...file.tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    expect(file.metadata).toEqual(
      new Map([
        ["format", "pt"],
        ["é", 'a "quoted"\ntext'],
      ]),
    );
  });

  it.each(Object.keys(expected))("%s has its elements", (name) => {
    const tensor = file.tensors.get(name)!;
    expect(tensor.shape).toEqual(expected[name]!.shape);
    const texts = Array.from<number | bigint, number | string>(tensor.elements() as ArrayLike<number | bigint>, (value) =>
      typeof value === "bigint" ? String(value) : Number(value),
    );
    const wanted = expected[name]!.elements.map((text) => {
      if (typeof text === "number") return text;
      return tensor.dtype.endsWith("64") && tensor.dtype !== "F64" ? text : Number(text.replace("inf", "Infinity"));
    });
    expect(texts).toEqual(wanted);
  });

  it("a network's state dict gives the network's outputs here, by name", async () => {
    await withBackend(reference(), async () => {
      const net = new Sequential(
        new Conv2d(1, 4, 3, { padding: 1 }),
        new BatchNorm2d(4),
        new ReLU(),
        new Flatten(),
        new Linear(100, 3),
      );
      const state = readSafetensors(golden("model.safetensors")).stateDict();
      net.loadStateDict(state, { rename: { "backbone.": "" } });
      const io = readSafetensors(golden("model-io.safetensors")).stateDict();
      net.eval();
      const output = net.forward(tensor(io.input!.data, { shape: [2, 1, 5, 5] })).dataSync();
      io.output!.data.forEach((value, i) => expect(output[i]).toBeCloseTo(value, 5));
      // And back: what this network is saved as is what PyTorch saved.
      const again = readSafetensors(writeSafetensors(await net.stateDict())).stateDict();
      for (const [name, { data }] of Object.entries(again))
        expect([...data]).toEqual([...state[`backbone.${name}`]!.data].map(Math.fround));
    });
  });
});

const arrays = fc.oneof(
  fc.float32Array().map((data) => ({ data })),
  fc.float64Array().map((data) => ({ data })),
  fc.int32Array().map((data) => ({ data })),
  fc.bigInt64Array().map((data) => ({ data })),
  fc.bigUint64Array().map((data) => ({ data })),
  fc.uint8Array({ max: 1 }).map((data) => ({ data, dtype: "BOOL" as const })),
  fc.int8Array().map((data) => ({ data })),
  fc.int16Array().map((data) => ({ data })),
  fc.uint16Array().map((data) => ({ data })),
  fc.uint32Array().map((data) => ({ data })),
);
const names = fc
  .oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "constructor", "", "../x", "/etc/passwd", "a\u0000b", "\u{1f600}", "toString"),
  )
  .filter((name) => name !== "__metadata__");

describe("what is written is read", () => {
  it("every array, name and text", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(names, arrays), { selector: ([name]) => name }),
        fc.uniqueArray(fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), { selector: ([key]) => key }),
        (tensors, metadata) => {
          const given = new Map(
            tensors.map(([name, array]) => [name, { shape: [array.data.length], ...array } as WritableTensor]),
          );
          const file = writeSafetensors(given, { metadata: new Map(metadata) });
          const readBack = readSafetensors(file);
          expect(readBack.metadata).toEqual(new Map(metadata));
          expect(new Set(readBack.tensors.keys())).toEqual(new Set(given.keys()));
          for (const [name, { data }] of given) expect(readBack.tensors.get(name)!.elements()).toEqual(data);
          // The order in which they are given is of no effect.
          expect(writeSafetensors(new Map([...given].reverse()), { metadata: new Map([...metadata].reverse()) })).toEqual(file);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("aligned tensors are views of the file, unaligned ones copies of the same elements", () => {
    const file = writeSafetensors({ w: { shape: [3], data: Float32Array.of(1, 2, 3) } });
    const aligned = readSafetensors(file).tensors.get("w")!.elements() as Float32Array;
    expect(aligned.buffer).toBe(file.buffer);
    for (const shift of [1, 2, 3]) {
      const shifted = new Uint8Array(file.length + shift);
      shifted.set(file, shift);
      const moved = readSafetensors(shifted.subarray(shift)).tensors.get("w")!.elements();
      expect(moved).toEqual(Float32Array.of(1, 2, 3));
    }
    const data = file.length - 12;
    expect(data % 8).toBe(0);
  });

  it("from a Buffer of Node.js' pool, an ArrayBuffer, shared memory, and a view of a part", () => {
    const file = writeSafetensors({ w: { shape: [2], data: Float32Array.of(5, 6) } });
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    for (const source of [Buffer.from(file), file.slice().buffer, shared.buffer, shared, new DataView(file.slice().buffer)])
      expect(readSafetensors(source).tensors.get("w")!.elements()).toEqual(Float32Array.of(5, 6));
  });

  it("in parts: the header alone says where the tensors are", () => {
    const tensors = { a: { shape: [2], data: Float64Array.of(1, 2) }, b: { shape: [3], data: Uint8Array.of(7, 8, 9) } };
    const { parts, byteLength } = safetensorsParts(tensors);
    const file = writeSafetensors(tensors);
    expect(Buffer.concat(parts)).toEqual(Buffer.from(file));
    expect(byteLength).toBe(file.length);
    const end = safetensorsHeaderEnd(file.subarray(0, 8));
    const { entries, dataOffset } = readSafetensorsHeader(file.subarray(0, end), file.length);
    expect(dataOffset).toBe(end);
    expect(entries.get("b")).toEqual({ dtype: "U8", shape: [3], begin: 16, end: 19 });
    expect([...file.subarray(dataOffset + 16, dataOffset + 19)]).toEqual([7, 8, 9]);
    expect(refusal(() => readSafetensorsHeader(file.subarray(0, end - 1), file.length)).code).toBe("ERMINE_USAGE");
  });

  it("a Float64Array of float32 keeps its digits, bool and int32 are BOOL and I32", () => {
    const state = {
      w: { shape: [1], dtype: "float32", data: Float64Array.of(0.1) },
      i: { shape: [1], dtype: "int32", data: Int32Array.of(3) },
      m: { shape: [2], dtype: "bool", data: Uint8Array.of(0, 1) },
    } as const;
    const { tensors } = readSafetensors(writeSafetensors(state));
    expect([...tensors.values()].map(({ name, dtype }) => [name, dtype])).toEqual([
      ["w", "F64"],
      ["i", "I32"],
      ["m", "BOOL"],
    ]);
    expect(readSafetensors(writeSafetensors(state)).stateDict()).toEqual(Object.assign(Object.create(null), state));
  });
});

describe("16-bit floats", () => {
  it("every float16 and bfloat16 is the same after a way through float32, NaN stays NaN", () => {
    const words = Uint16Array.from({ length: 65536 }, (_, i) => i);
    for (const format of ["float16", "bfloat16"] as const) {
      const values = fromHalf(words, format);
      const back = toHalf(values, format);
      for (let i = 0; i < 65536; i++) {
        if (Number.isNaN(values[i])) expect(Number.isNaN(fromHalf(back.subarray(i, i + 1), format)[0])).toBe(true);
        else if (back[i] !== i) expect.fail(`${format} ${i} comes back as ${back[i]}`);
      }
    }
  });

  it("the nearest is taken, ties to even, subnormals too", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: -65519, max: 65519 }), (value) => {
        const all = fromHalf(toHalf([value], "float16"), "float16")[0]!;
        const unit = 2 ** Math.max(-24, Math.floor(Math.log2(Math.abs(value) || 1e-30)) - 10);
        const exact = Math.round(value / unit);
        const tie = Math.abs(value / unit - Math.trunc(value / unit)) === 0.5;
        const wanted = tie ? 2 * Math.round(value / unit / 2) * unit : exact * unit;
        expect(Math.abs(all)).toBe(Math.abs(wanted));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["float16", "bfloat16"] as const)("what only float64 tells from a tie is rounded once, to the nearest %s", (format) => {
    const valueOf = (word: number): number => fromHalf(Uint16Array.of(word), format)[0]!;
    const largest = format === "float16" ? 0x7bff : 0x7f7f;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: largest - 1 }),
        fc.integer({ min: -2, max: 2 }),
        fc.boolean(),
        (word, units, negative) => {
          const [below, above] = [valueOf(word), valueOf(word + 1)];
          const middle = (below + above) / 2;
          const value = middle + units * (above - below) * 2 ** -35;
          const nearest = units < 0 ? word : units > 0 ? word + 1 : word + (word & 1);
          expect(toHalf(Float64Array.of(negative ? -value : value), format)[0]).toBe(nearest | (negative ? 0x8000 : 0));
        },
      ),
      { numRuns: 5000 },
    );
    expect(refusal(() => toHalf(BigInt64Array.of(1n) as never, format)).message).toMatch(/got a BigInt64Array/);
  });

  it("a finite value beyond the range is refused, infinities are kept", () => {
    expect(refusal(() => toHalf([1, 65520], "float16")).message).toContain("element 1 is 65520");
    expect([...toHalf([Infinity, -Infinity, 65519], "float16")]).toEqual([0x7c00, 0xfc00, 0x7bff]);
    expect(
      refusal(() => writeSafetensors({ w: { shape: [1], dtype: "BF16", data: Float32Array.of(3.4e38) } })).message,
    ).toContain('"w"');
  });
});

describe("what is refused", () => {
  const tensorText = (text: string): string => `{"x":${text}}`;
  it.each([
    ["no bytes", new Uint8Array(0), "begins with the 8 bytes"],
    ["seven bytes", new Uint8Array(7), "begins with the 8 bytes"],
    ["a header of 0", new Uint8Array(8), "does not begin with '{'"],
    ["a header beyond the file", fileOf("{}").subarray(0, 9), "would end at byte 10, and the file has 9"],
    ["space first", fileOf(" {}"), "does not begin with '{'"],
    ["a BOM", fileOf("\ufeff{}"), "does not begin with '{'"],
    [
      "no UTF-8",
      (() => {
        const f = fileOf('{"a":1}');
        f[10] = 0xff;
        return f;
      })(),
      "no UTF-8",
    ],
    ["something after the object", fileOf("{} {}"), "its end"],
    ["a list", fileOf("[]"), "does not begin"],
    [
      "a name twice",
      fileOf('{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0078":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      '"x" twice',
    ],
    ["metadata twice", fileOf('{"__metadata__":{},"__metadata__":{}}'), "twice"],
    ["metadata that is no text", fileOf('{"__metadata__":{"a":1}}'), "belongs"],
    ["an unknown dtype", fileOf(tensorText('{"dtype":"f32","shape":[0],"data_offsets":[0,0]}')), 'unknown dtype "f32"'],
    ["a field too many", fileOf(tensorText('{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}')), '"x" has "x"'],
    ["a field too few", fileOf(tensorText('{"dtype":"U8","shape":[0]}')), "lacks data_offsets"],
    ["a size of 2.0", fileOf(tensorText('{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}'), [1, 2]), "unsigned integer"],
    ["a size of 2e0", fileOf(tensorText('{"dtype":"U8","shape":[2e0],"data_offsets":[0,2]}'), [1, 2]), "unsigned integer"],
    ["a size of 02", fileOf(tensorText('{"dtype":"U8","shape":[02],"data_offsets":[0,2]}'), [1, 2]), "unsigned integer"],
    ["a size of -0", fileOf(tensorText('{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}')), "unsigned integer"],
    ["a nested shape", fileOf(tensorText('{"dtype":"U8","shape":[[2]],"data_offsets":[0,2]}'), [1, 2]), "unsigned integer"],
    ["2⁶⁴", fileOf(tensorText('{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,0]}')), "64 bits"],
    [
      "a product above 2⁶⁴",
      fileOf(tensorText('{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}')),
      "more than 2⁶⁴",
    ],
    ["half a byte", fileOf(tensorText('{"dtype":"F4","shape":[1],"data_offsets":[0,1]}'), [0]), "not whole"],
    ["three offsets", fileOf(tensorText('{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}')), "more than two data_offsets"],
    [
      "an end before its beginning",
      fileOf(tensorText('{"dtype":"U8","shape":[0],"data_offsets":[1,0]}'), [0]),
      "its data_offsets are 1 and 0",
    ],
    ["one offset", fileOf(tensorText('{"dtype":"U8","shape":[0],"data_offsets":[0]}')), "two belong there"],
    ["a hole", fileOf(tensorText('{"dtype":"U8","shape":[1],"data_offsets":[1,2]}'), [0, 0]), "no holes and no overlaps"],
    [
      "an overlap",
      fileOf(
        '{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        [0, 0, 0],
      ),
      "no overlaps",
    ],
    [
      "bytes that do not fit the shape",
      fileOf(tensorText('{"dtype":"F32","shape":[2],"data_offsets":[0,4]}'), [0, 0, 0, 0]),
      "8 bytes",
    ],
    ["bytes beyond the file", fileOf(tensorText('{"dtype":"U8","shape":[9],"data_offsets":[0,9]}'), [0]), "the data has 1"],
    ["bytes at the end", fileOf("{}", [0]), "1 bytes are there"],
    ["half a surrogate pair", fileOf('{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), "surrogate"],
    ["a control character in a name", fileOf('{"a\u0001":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), "string"],
    ["an escape that JSON has not", fileOf('{"\\x":1}'), "an escape"],
  ])("%s", (_, file, message) => {
    const error = refusal(() => readSafetensors(file));
    expect(error.code).toBe("ERMINE_DATA");
    expect(error.message).toContain(message);
  });

  it("legal oddities are read: trailing space, null metadata, sizes of 0 next to huge ones, any order, BOOL of 7, unaligned floats", () => {
    expect(readSafetensors(fileOf("{} \n\t\r")).tensors.size).toBe(0);
    expect(readSafetensors(fileOf('{"__metadata__":null}')).metadata.size).toBe(0);
    const huge = fileOf('{"x":{"dtype":"I64","shape":[0,9007199254740991],"data_offsets":[0,0]}}');
    expect(readSafetensors(huge).tensors.get("x")!.elements()).toEqual(new BigInt64Array(0));
    const mixed = fileOf(
      '{"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"b":{"shape":[1],"data_offsets":[0,1],"dtype":"BOOL"}}',
      [7, 0, 0, 0x80, 0x3f],
    );
    expect(readSafetensors(mixed).stateDict().f!.data).toEqual(Float32Array.of(1));
    expect(readSafetensors(mixed).stateDict().b).toEqual({ shape: [1], dtype: "bool", data: Uint8Array.of(1) });
  });

  it("a header longer than the cap, before anything is allocated for it", () => {
    const start = new Uint8Array(16);
    for (const [length, message] of [
      [16_000_001n, "maxHeaderBytes: 16000001"],
      [100_000_001n, "the format allows 100000000"],
      [2n ** 63n, "the format allows"],
    ] as const) {
      new DataView(start.buffer).setBigUint64(0, length, true);
      expect(refusal(() => readSafetensors(start)).message).toContain(message);
    }
    expect(refusal(() => readSafetensors(start, { maxHeaderBytes: 1e9 })).code).toBe("ERMINE_OPTION");
    expect(refusal(() => readSafetensors(start, { maxHeader: 5 } as never)).message).toContain("maxHeaderBytes");
  });

  it("15 MB of brackets are refused at the first", () => {
    const file = new Uint8Array(8 + 15_000_000).fill(0x5b);
    new DataView(file.buffer).setBigUint64(0, 15_000_000n, true);
    file[8] = 0x7b;
    expect(refusal(() => readSafetensors(file)).message).toContain("at byte 1");
  });

  it("a name of an object's own is data: no prototype is touched", () => {
    const state = readSafetensors(
      writeSafetensors(new Map([["__proto__", { shape: [1], data: Float32Array.of(1) }]])),
    ).stateDict();
    expect(Object.getPrototypeOf(state)).toBe(null);
    expect(Object.keys(state)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).shape).toBe(undefined);
  });

  it("what is no bytes, with what to do", () => {
    expect(refusal(() => readSafetensors("model.safetensors" as never)).message).toContain("readFile");
    expect(refusal(() => readSafetensors(Promise.resolve() as never)).message).toContain("Await");
    expect(refusal(() => readSafetensors(new Blob([]) as never)).message).toContain("arrayBuffer");
    for (const other of [undefined, null, 3, {}, []])
      expect(refusal(() => readSafetensors(other as never)).code).toBe("ERMINE_USAGE");
  });

  it("integers that are no int32, and dtypes that ermine does not read, name the tensor", () => {
    const file = writeSafetensors({
      steps: { shape: [2], data: BigInt64Array.of(1n, 2n ** 31n) },
      c: { shape: [1], data: BigInt64Array.of(5n) },
    });
    expect(refusal(() => readSafetensors(file).stateDict()).message).toMatch(/"steps": element 1 is 2147483648/);
    for (const big of [2n ** 53n + 1n, 2n ** 32n, -(2n ** 31n) - 1n, 2n ** 63n - 1n])
      expect(
        refusal(() => readSafetensors(writeSafetensors({ x: { shape: [1], data: BigInt64Array.of(big) } })).stateDict()).code,
      ).toBe("ERMINE_DTYPE");
    const four = readSafetensors(fileOf('{"q":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}', [5]));
    expect(four.tensors.get("q")!.bytes).toEqual(Uint8Array.of(5));
    expect(refusal(() => four.tensors.get("q")!.elements()).code).toBe("ERMINE_UNSUPPORTED");
  });

  const one = (fields: object): Record<string, WritableTensor> => ({ w: fields as WritableTensor });
  it.each([
    ["elements that do not fill the shape", one({ shape: [3], data: Float32Array.of(1) }), "1 elements do not fill"],
    ["no shape", one({ data: Float32Array.of(1) }), "list of sizes"],
    ["a symbolic size", one({ shape: ["batch"], data: Float32Array.of(1) }), "list of sizes"],
    ["a list", one({ shape: [1], data: [1] }), "typed array"],
    ["an unknown dtype", one({ shape: [1], dtype: "float16", data: Float32Array.of(1) }), 'Did you mean "F16"'],
    ["a dtype that is not written", one({ shape: [1], dtype: "C64", data: Float32Array.of(1) }), "does not write C64"],
    ["a fraction as I32", one({ shape: [1], dtype: "I32", data: Float32Array.of(1.5) }), "element 0 is 1.5"],
    ["300 as U8", one({ shape: [1], dtype: "U8", data: Int32Array.of(300) }), "element 0 is 300"],
    ["NaN as I64", one({ shape: [1], dtype: "I64", data: Float32Array.of(NaN) }), "element 0 is NaN"],
    ["2 as bool", one({ shape: [1], dtype: "bool", data: Uint8Array.of(2) }), "element 0 is 2"],
    ["1e300 as F32", one({ shape: [1], dtype: "F32", data: Float64Array.of(1e300) }), "element 0 is 1e+300"],
    ["the name __metadata__", { __metadata__: { shape: [0], data: new Float32Array(0) } }, "__metadata__"],
    ["half a surrogate pair", { "\ud800": { shape: [0], data: new Float32Array(0) } }, "surrogate"],
  ])("writing %s", (_, tensors, message) => {
    expect(refusal(() => writeSafetensors(tensors)).message).toContain(message);
  });

  it("writing metadata that is no text, tensors that are none", () => {
    expect(refusal(() => writeSafetensors({}, { metadata: { a: 1 as never } })).message).toContain("metadata.a is 1");
    expect(refusal(() => writeSafetensors({}, { metadata: { a: {} as never } })).message).toContain("JSON.stringify");
    for (const wrong of [null, undefined, [], 3, new Float32Array(1)])
      expect(refusal(() => writeSafetensors(wrong as never)).code).toBe("ERMINE_USAGE");
  });
});

it("every length of a small file but its own is refused, and every byte of its header changed is a clear error or another right file", () => {
  const file = writeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } }, { metadata: { a: "b" } });
  for (let length = 0; length < file.length; length++)
    expect(refusal(() => readSafetensors(file.subarray(0, length))).code).toBe("ERMINE_DATA");
  for (let at = 0; at < file.length; at++)
    for (const value of [0, 0x20, 0x22, 0x30, 0x7b, 0xff]) {
      const changed = file.slice();
      changed[at] = value;
      let data: TypedArray | undefined;
      try {
        data = Object.values(readSafetensors(changed).stateDict())[0]!.data;
      } catch (error) {
        expect(error).toBeInstanceOf(ErmineError);
      }
      if (data !== undefined) expect(data.byteLength).toBe(8);
    }
});
