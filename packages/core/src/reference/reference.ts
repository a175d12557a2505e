/**
 * The smallest backend: plain TypeScript, double precision inside, no speed. The oracle of every law, the trainer's test double, and the
 * template for a backend of one's own. It has the primitives only, so that everything else proves its decomposition.
 */
import { checkArguments } from "../types/arguments.js";
import type { Backend, BackendPlugin, KernelOutput } from "../ir/contract.js";
import { markCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkOptions, show } from "../types/options.js";
import type { DType, TypedArray } from "../types/dtype.js";
import { elementwise } from "./kernels/elementwise.js";
import { movement } from "./kernels/movement.js";
import { products } from "./kernels/product.js";
import { reductions } from "./kernels/reduction.js";
import { count, kernelOf, type ArrayKernel, type HostStorage } from "./storage.js";

/** The options of the reference backend. */
export interface ReferenceOptions {
  /** "float64" (default) computes and stores float32 tensors in double precision; "float32" rounds every result. */
  readonly precision?: "float64" | "float32";
  /** Default all three. ["float32"] is a backend that stores int32 and bool as numbers. */
  readonly dtypes?: readonly DType[];
  /** true: `read` answers in a later macrotask and there is no `readSync`, like a GPU. Default false. */
  readonly late?: boolean;
  /** Primitives to leave out, such as "randomUniform", which the host can make. Default: none is left out. */
  readonly without?: readonly string[];
}

/**
 * Are all elements true (≠ 0)? True of nothing.
 *
 * @example
 * all(tensor([true, false])).item(); // => 0
 */
const all: readonly DType[] = ["float32", "int32", "bool"];
const kernels: Readonly<Record<string, ArrayKernel>> = { ...elementwise, ...reductions, ...movement, ...products };

/** Creates a reference backend. It needs no disposal, but has one. */
export function reference(options: ReferenceOptions = {}): Backend {
  if (arguments.length > 1) checkArguments("reference", arguments, 1);
  checkOptions("reference", options, { precision: "string", dtypes: "list", late: "boolean", without: "list" });
  const { precision = "float64", dtypes = all, late = false, without = [] } = options;
  if (precision !== "float64" && precision !== "float32")
    throw new ErmineError("ERMINE_OPTION", `reference: precision is "float64" or "float32", got ${show(precision)}.`);
  const live = new Set<HostStorage>();
  let disposed = false;
  const Float = precision === "float64" ? Float64Array : Float32Array;

  const checkAlive = (): void => {
    if (disposed)
      throw new ErmineError(
        "ERMINE_RELEASED",
        "This reference backend was disposed of, and its tensors with it. Make a new one: reference().",
      );
  };
  const register = (data: TypedArray): HostStorage => {
    checkAlive();
    const storage = { data };
    live.add(storage);
    return storage;
  };
  const allocate = ({ shape, dtype }: KernelOutput): TypedArray => {
    const length = count(shape);
    return dtype === "float32" ? new Float(length) : dtype === "int32" ? new Int32Array(length) : new Uint8Array(length);
  };
  const elementsOf = (storage: object): TypedArray => {
    checkAlive();
    if (!live.has(storage as HostStorage))
      throw new ErmineError("ERMINE_RELEASED", "This storage of the reference backend was released already.");
    return (storage as HostStorage).data.slice();
  };
  const names = Object.keys(kernels).filter((name) => !without.includes(name));

  return markCopy<Backend>("backend", {
    name: "reference",
    engine: `plain TypeScript, ${precision}`,
    capabilities: { ops: new Map(names.map((name) => [name, dtypes])), dtypes, deterministic: true },
    kernels: Object.fromEntries(names.map((name) => [name, kernelOf(kernels[name]!, allocate, register)])),
    upload: (data, _, dtype) => register(dtype === "float32" ? Float.from(data) : data.slice()),
    release(storage) {
      if (!live.delete(storage as HostStorage) && !disposed) {
        throw new ErmineError("ERMINE_RELEASED", "A storage of the reference backend was released twice.");
      }
    },
    read: late
      ? async (storage) => {
          const copy = elementsOf(storage);
          await new Promise((resolve) => setTimeout(resolve, 0));
          return copy;
        }
      : async (storage) => elementsOf(storage),
    ...(late ? {} : { readSync: elementsOf }),
    memory: () => ({ tensors: live.size, bytes: [...live].reduce((sum, { data }) => sum + data.byteLength, 0) }),
    dispose() {
      disposed = true;
      live.clear();
    },
  });
}

/** For the registry: always available, chosen by `auto` only where nothing else is. */
export const referencePlugin: BackendPlugin = {
  name: "reference",
  contract: 1,
  priority: 0,
  probe: async () => ({ available: true, engine: "plain TypeScript, float64" }),
  create: async (options) => reference(options as ReferenceOptions | undefined),
};
