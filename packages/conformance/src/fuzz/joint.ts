/** Entries of a program that are compiled as one, as a trainer's are. */
import { type Backend, type DType, type Tensor, type TypedArray } from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";

/** Runs of compiled entries that share a program. */
export interface Joint {
  /** The results, read; their tensors are freed. */
  run(entry: number): Promise<readonly JointResult[]>;
  dispose(): void;
}

/** A result on the host. */
export interface JointResult {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** A value that is fed. */
export interface Given {
  readonly name: string;
  readonly tensor: Tensor;
  readonly data: TypedArray;
}

/**
 * Compiles entries as one program.
 *
 * @param entries by their number in the whole
 * @throws ErmineError where one of them is refused
 */
export function joinEntries(
  backend: Backend,
  entries: ReadonlyMap<number, (...inputs: Tensor[]) => Tensor[]>,
  inputs: readonly Given[],
): Joint {
  const graphs = new Map(
    [...entries].map(([i, entry]) => {
      const { graph } = traceEntry(`entry${i}`, (trace) => {
        const feeds = inputs.map(({ name, tensor: { shape, dtype, domain } }) => trace.feed(name, { shape, dtype, domain }));
        return entry(...feeds);
      });
      return [i, graph] as const;
    }),
  );
  const program = compileModule(backend, graphModule(Object.fromEntries([...graphs].map(([i, graph]) => [`entry${i}`, graph]))));
  const feeds = Object.fromEntries(
    inputs.map(({ name, tensor: { shape }, data }) => [name, { shape: shape as readonly number[], value: data }]),
  );
  return {
    async run(entry) {
      const storages = program.run(`entry${entry}`, feeds);
      const results = graphs.get(entry)!.outputs.map(async ({ type: { shape, dtype } }, i): Promise<JointResult> => {
        const data = await backend.read(storages[i]!);
        backend.release(storages[i]!);
        return { shape: shape as readonly number[], dtype, data: inDType(data, dtype) };
      });
      return Promise.all(results);
    },
    dispose: () => program.dispose(),
  };
}

/** A backend without int32 or bool answers in float32. */
function inDType(data: TypedArray, dtype: DType): TypedArray {
  if (dtype === "float32") return data;
  return dtype === "int32" ? Int32Array.from(data) : Uint8Array.from(data);
}
