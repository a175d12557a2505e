/** The law of rows: an executable that gathers a feed's rows from a storage runs as if they had been fed. Others have nothing to hold to. */
import { abs, add, Dim, logicalNot, mul, type Backend, type DType, type Tensor, type TypedArray } from "@ermine/core";
import { type Feed, type Program, allocate, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import type { Law } from "./law.js";

const twice: Readonly<Record<DType, (x: Tensor) => Tensor>> = {
  float32: (x) => abs(mul(x, 2)),
  int32: (x) => add(x, x),
  bool: (x) => logicalNot(x),
};

function elementsFor(dtype: DType, length: number, seed: number): TypedArray {
  const data = allocate(dtype, length);
  for (let i = 0; i < length; i++) data[i] = dtype === "bool" ? ((i * seed) % 3) & 1 : ((i * 7919 * seed) % 2003) - 1001;
  return data;
}

const picked = (data: TypedArray, rows: Int32Array, width: number): TypedArray =>
  data.map((_, i) => data[rows[Math.floor(i / width)]! * width + (i % width)]!).subarray(0, rows.length * width) as TypedArray;

async function outputOf(backend: Backend, program: Program, x: Feed): Promise<TypedArray> {
  const [storage] = program.run("f", { x });
  const data = await backend.read(storage!);
  backend.release(storage!);
  return data;
}

async function check(backend: Backend, dtype: DType, width: number): Promise<void> {
  const { graph } = traceEntry("f", (trace) => [
    twice[dtype](trace.feed("x", { shape: [Dim.symbol("N"), width], dtype, domain: "real" })),
  ]);
  const program = compileModule(backend, graphModule({ f: graph }));
  try {
    if (program.supportsRowGather !== true) return;
    const length = 97;
    for (const seed of [1, 2]) {
      const data = elementsFor(dtype, length * width, seed);
      const storage = backend.upload(data, [length, width], dtype);
      // Each row once, one row over and over, one alone, from back to front.
      for (const [count, stride] of [
        [97, 1],
        [64, 0],
        [1, 5],
        [64, 96],
        [64, 31],
      ] as const) {
        const rows = Int32Array.from({ length: count }, (_, i) => (3 + i * stride) % length);
        const shape = [count, width];
        const gathered = await outputOf(backend, program, { shape, value: storage, rows });
        const expectedOutput = await outputOf(backend, program, { shape, value: picked(data, rows, width) });
        const wrong = expectedOutput.findIndex((value, i) => value !== gathered[i]);
        if (gathered.length === expectedOutput.length && wrong < 0) continue;
        throw new Error(
          `${count} rows of ${width}: number ${wrong} is ${gathered[wrong]} gathered, ${expectedOutput[wrong]} fed`,
        );
      }
      backend.release(storage);
    }
  } finally {
    program.dispose();
  }
}

export const rowsAreFed: Law = {
  name: "rows of a storage are fed as if they had been written",
  trials: () =>
    (["float32", "int32", "bool"] as const).map((dtype) => ({
      name: dtype,
      async check(backend) {
        if (!backend.capabilities.dtypes.includes(dtype)) return;
        for (const width of [1, 3, 4, 31, 65, 784]) await check(backend, dtype, width);
      },
    })),
};
