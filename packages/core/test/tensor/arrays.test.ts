import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import {
  BatchNorm1d,
  Bilinear,
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose2d,
  GRU,
  GRUCell,
  Linear,
  type Module,
} from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

const { tensor, Variable } = e;
const coded = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });

/** Float16Array, where the engine has it. */
const half = (globalThis as { Float16Array?: typeof Float32Array }).Float16Array;

/** Over a buffer that can be made larger and smaller: of a fixed length, or as long as its buffer. */
function resizable(values: readonly number[], tracksLength = false): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: { maxByteLength: number }) => ArrayBuffer;
  const buffer = new Resizable(4 * values.length, { maxByteLength: 8 * values.length });
  const data = tracksLength ? new Float32Array(buffer) : new Float32Array(buffer, 0, values.length);
  data.set(values);
  return data;
}

describe("a typed array of each kind", () => {
  it.each<[new (values: number[]) => e.NumberArray, e.DType]>([
    [Uint8Array, "int32"],
    [Uint8ClampedArray, "int32"],
    [Int8Array, "int32"],
    [Int16Array, "int32"],
    [Uint16Array, "int32"],
    [Int32Array, "int32"],
    [Uint32Array, "int32"],
    [Float32Array, "float32"],
    [Float64Array, "float32"],
    ...(half === undefined ? [] : [[half, "float32"] as const].map(([kind, dtype]) => [kind, dtype] as [typeof half, e.DType])),
  ])("%o", (Kind, dtype) => {
    const t = tensor(new Kind([0, 7, 100]));
    expect([t.dtype, t.toArray()]).toEqual([dtype, [0, 7, 100]]);
    const data = t.dataSync();
    expect(data).toBeInstanceOf(dtype === "int32" ? Int32Array : Float32Array);
    expect(tensor(new Kind([0, 7, 100]), { dtype: "bool" }).toArray()).toEqual([false, true, true]);
    expect(tensor(new Kind([0, 7, 100]), { dtype: "float32" }).toArray()).toEqual([0, 7, 100]);
    const variable = new Variable(tensor([0, 0, 0], { dtype: "int32" }));
    variable.write(new Kind([0, 7, 100]));
    expect(variable.value.toArray()).toEqual([0, 7, 100]);
  });

  it("64-bit integers are int32 where they fit, exactly", () => {
    expect(tensor(BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n)).toArray()).toEqual([-(2 ** 31), 2 ** 31 - 1]);
    expect(tensor(BigUint64Array.of(3n)).dtype).toBe("int32");
    for (const data of [BigInt64Array.of(2n ** 31n), BigUint64Array.of(2n ** 64n - 1n), Uint32Array.of(2 ** 31)]) {
      expect(() => tensor(data)).toThrow(coded("ERMINE_DTYPE", /element 0 is \d+.*int32/));
      expect(tensor(data, { dtype: "float32" }).item()).toBe(Math.fround(Number(data[0])));
    }
  });

  it("of another realm", () => {
    expect(tensor(runInNewContext("new Uint8Array([51, 255])") as Uint8Array).toArray()).toEqual([51, 255]);
  });

  it("as rows, of the widest dtype", () => {
    expect(tensor([Uint8Array.of(1, 2), Uint8Array.of(3, 4)])).toMatchObject({ shape: [2, 2], dtype: "int32" });
    expect(tensor([Uint8Array.of(1, 2), Float32Array.of(0.5, 4)]).toArray()).toEqual([
      [1, 2],
      [0.5, 4],
    ]);
    expect(() => tensor([Float32Array.of(1), Float32Array.of(1, 2)])).toThrow(coded("ERMINE_SHAPE", /ragged/));
  });

  it("detached, or bytes without a kind, is refused", () => {
    const bytes = Uint8Array.of(1, 2);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(() => tensor(bytes)).toThrow(coded("ERMINE_RELEASED", /detached/));
    expect(() => tensor(new ArrayBuffer(4) as never)).toThrow(coded("ERMINE_DTYPE", /new Float32Array\(buffer\)/));
    expect(() => tensor(new DataView(new ArrayBuffer(4)) as never)).toThrow(coded("ERMINE_DTYPE", /new Float32Array\(buffer\)/));
  });
});

/** Arrays of these elements in memory of every sort; those of another number format only where the engine has it. */
const memories: Readonly<Record<string, (values: readonly number[]) => e.NumberArray>> = {
  "a buffer of its own": (values) => Float32Array.from(values),
  "a part of a buffer": (values) => Float32Array.from([9, ...values, 9]).subarray(1, 1 + values.length),
  "a resizable buffer": (values) => resizable(values),
  "a resizable buffer, as long as that": (values) => resizable(values, true),
  "shared memory": (values) => {
    const data = new Float32Array(new SharedArrayBuffer(4 * values.length));
    data.set(values);
    return data;
  },
  ...(half === undefined ? {} : { "a buffer of halves": (values) => half.from(values) as e.NumberArray }),
};

/** Every function that takes an array of elements, and the elements that it took. */
const doors: Readonly<Record<string, (data: e.NumberArray) => unknown>> = {
  tensor: (data) => tensor(data).toArray(),
  "tensor, with a shape": (data) => (tensor(data, { shape: [1, 3], dtype: "float32" }).toArray() as unknown[])[0],
  "tensor, as a row": (data) => (tensor([data, data]).toArray() as unknown[])[1],
  "Variable.write": (data) => {
    const variable = new Variable(tensor([0, 0, 0.5]));
    variable.write(data);
    return variable.value.toArray();
  },
  loadStateDict: (data) => {
    const layer = new Linear(3, 1, { bias: false });
    layer.loadStateDict({ weight: { shape: [1, 3], data } });
    return (layer.weight.value.toArray() as unknown[])[0];
  },
};

describe.each(Object.entries(doors))("%s takes arrays", (_, take) => {
  it.each(Object.entries(memories))("in %s", (_, make) => {
    expect(take(make([1.5, -2, 0.25]))).toEqual([1.5, -2, 0.25]);
  });

  it("and refuses those whose memory is gone", () => {
    const gone = [Float32Array.of(1, 2, 3), Uint8Array.of(1, 2, 3), resizable([1, 2, 3]), resizable([1, 2, 3], true)];
    for (const { buffer } of gone) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    // An array of a fixed length that reaches beyond its buffer has no elements at all.
    const shrunk = resizable([1, 2, 3]);
    (shrunk.buffer as unknown as { resize(size: number): void }).resize(8);
    for (const data of [...gone, shrunk]) expect(() => take(data)).toThrow(coded("ERMINE_RELEASED", /detached.*or was resized/));
  });
});

it("a tensor keeps its elements when the array's memory goes", () => {
  for (const make of [() => Float32Array.of(1, 2, 3), () => resizable([1, 2, 3])]) {
    const data = make();
    const t = tensor(data);
    structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
    expect(t.toArray()).toEqual([1, 2, 3]);
  }
});

describe("bool", () => {
  it("keeps its dtype through data() and through a state", async () => {
    const mask = tensor([[true, false]]);
    const data = await mask.data();
    expect(data).toEqual(Uint8Array.of(1, 0));
    expect(tensor(data, { shape: [1, 2], dtype: mask.dtype }).toArray()).toEqual([[true, false]]);
    // Bytes without a dtype are the numbers 0 and 1: a condition of them says the same.
    e.withBackend(reference(), () => expect(e.where(tensor(data, { shape: [1, 2] }), 5, 6).toArray()).toEqual([[5, 6]]));
  });

  it("a bool variable takes 0 and 1 alone, of any array, and an int32 one no fractions", () => {
    const flag = new Variable(tensor([true, false]));
    flag.write(Float32Array.of(0, 1));
    expect(flag.value.toArray()).toEqual([false, true]);
    expect(() => flag.write(Uint8Array.of(0, 255))).toThrow(
      coded("ERMINE_DTYPE", /element 1 is 255, and the variable holds bool/),
    );
    const count = new Variable(tensor([1, 2], { dtype: "int32" }));
    expect(() => count.write(Float32Array.of(1, 2.5))).toThrow(
      coded("ERMINE_DTYPE", /element 1 is 2.5, and the variable holds int32/),
    );
    expect(() => count.write("12" as never)).toThrow(coded("ERMINE_VALUE", /takes a typed array/));
    expect([flag.value.toArray(), count.value.toArray()]).toEqual([
      [false, true],
      [1, 2],
    ]);
  });
});

it("a Float64Array is read as float32", () => {
  const data = tensor(Float64Array.of(0.1)).dataSync();
  expect(data).toEqual(Float32Array.of(0.1));
});

describe("layers with weights take int32 as the numbers that they are, and no bool", () => {
  const layers: readonly (readonly [string, Module, number[], number?])[] = [
    ["Linear", new Linear(3, 2), [2, 3]],
    ["Bilinear", new Bilinear(3, 3, 2), [2, 3], 2],
    ["Conv1d", new Conv1d(1, 2, 2), [1, 1, 4]],
    ["Conv2d", new Conv2d(1, 2, 2, { padding: 1, paddingMode: "circular" }), [1, 1, 3, 3]],
    ["Conv3d", new Conv3d(1, 2, 2), [1, 1, 2, 2, 2]],
    ["ConvTranspose2d", new ConvTranspose2d(1, 2, 2), [1, 1, 2, 2]],
    ["GRU", new GRU(3, 2), [1, 2, 3]],
    ["GRUCell", new GRUCell(3, 2), [2, 3]],
    ["BatchNorm1d", new BatchNorm1d(3), [2, 3]],
  ];
  it.each(layers.map(([name, layer, shape, count = 1]) => ({ name, layer, shape, count })))(
    "$name",
    ({ name, layer, shape, count }) => {
      e.withBackend(reference(), () => {
        const bytes = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 51) % 256);
        const apply = (dtype: e.DType) =>
          (layer as unknown as { forward(...x: e.Tensor[]): e.Tensor }).forward(
            ...Array.from({ length: count }, () => tensor(bytes, { shape, dtype })),
          );
        expect(apply("int32").toArray()).toEqual(apply("float32").toArray());
        if (name !== "BatchNorm1d") expect(() => apply("bool")).toThrow(e.ErmineError);
      });
    },
  );
});

describe("what is no shape is refused wherever one is taken", () => {
  const x = tensor([1, 2, 3, 4]);
  const taking: readonly (readonly [string, (shape: number[]) => unknown])[] = [
    ["tensor", (shape) => tensor([1, 2], { shape })],
    ["full", (shape) => e.full(shape, 1)],
    ["zeros", (shape) => e.zeros(shape)],
    ["ones", (shape) => e.ones(shape)],
    ["reshape", (shape) => e.reshape(x, shape)],
    ["broadcastTo", (shape) => e.broadcastTo(x, shape)],
    ["tile", (shape) => e.tile(x, shape)],
    ["uniform", (shape) => e.uniform(shape)],
    ["normal", (shape) => e.normal(shape)],
    ["randint", (shape) => e.randint(shape, 0, 2)],
    ["split", (shape) => e.split(x, shape)],
    ["eye", ([rows, columns]) => e.eye(rows!, columns)],
    ["linspace", ([count]) => e.linspace(0, 1, count!)],
    ["slice", ([size]) => e.slice(x, [0], [size!])],
  ];
  const wrong: readonly (readonly number[])[] = [[-1, -2], [-3, 7], [0.5, 8], [NaN, 4], ["2", 2] as never, [2 ** 33, 2 ** 33]];
  it.each(taking)("%s", (_, take) => {
    for (const shape of wrong) expect(() => take([...shape]), `[${shape.join()}]`).toThrow(e.ErmineError);
  });
});
