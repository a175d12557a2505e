/** Ops one by one, on TensorFlow's own kernels. A storage is the id of one of the binding's tensors. */
import { ErmineError, type DType, type Shape, type Size, type TypedArray } from "@ermine/core";
import { type Kernel, type Storage, allocate, bytesPerElement } from "@ermine/core/backend";
import { concrete } from "@ermine/core/define";
import { isIdentity, repeatFolded } from "./lowering/calls.js";
import type { Emitter, Lowering, Operand, OutputType, TfAttribute, TfAttributes } from "./lowering/emitter.js";
import { lowerings } from "./lowering/index.js";
import { dataType, type Binding, type OpAttribute } from "./native/binding.js";

export class TfStorage {
  id: number;
  readonly bytes: number;
  readonly shape: readonly number[];
  readonly dtype: DType;

  constructor(id: number, shape: readonly number[], dtype: DType) {
    this.id = id;
    this.shape = shape;
    this.dtype = dtype;
    this.bytes = shape.reduce((a, b) => a * b, bytesPerElement[dtype]);
  }
}

/** Small constants (axes, shapes, 0 and 1) come again and again: so many are kept. */
const cacheCapacity = 512;
const cacheLength = 16;

/** An array that the binding takes for the dtype, and that nobody else writes: TensorFlow may use its memory as it is. */
export function fitting(data: TypedArray, dtype: DType): Float32Array | Int32Array | Uint8Array {
  if (dtype === "float32") return Float32Array.from(data);
  return dtype === "int32" ? Int32Array.from(data) : Uint8Array.from(data);
}

export class Eager {
  readonly #binding: Binding;
  readonly #live = new Set<TfStorage>();
  readonly #constants = new Map<string, number>();
  #bytes = 0;
  #disposed = false;

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** @throws ErmineError ERMINE_RELEASED after dispose() */
  checkAlive(): void {
    if (this.#disposed)
      throw new ErmineError(
        "ERMINE_RELEASED",
        "This tfjs backend was disposed of, and its tensors with it. Make a new one: await tfjs().",
      );
  }

  /** A storage over an id that it owns from here on. */
  adopt(id: number, shape: readonly number[], dtype: DType): TfStorage {
    const storage = new TfStorage(id, shape, dtype);
    this.#live.add(storage);
    this.#bytes += storage.bytes;
    return storage;
  }

  /** The id of a storage, which is the caller's from here on: the storage ends. */
  surrender(storage: Storage): number {
    const { id, bytes } = this.check(storage);
    this.#live.delete(storage as TfStorage);
    this.#bytes -= bytes;
    return id;
  }

  upload(data: TypedArray, shape: readonly number[], dtype: DType): TfStorage {
    this.checkAlive();
    return this.adopt(this.#binding.createTensor(shape, dataType[dtype], fitting(data, dtype)), shape, dtype);
  }

  release(storage: Storage): void {
    if (this.#disposed) return;
    const owned = this.check(storage);
    this.#live.delete(owned);
    this.#bytes -= owned.bytes;
    this.#binding.deleteTensor(owned.id);
  }

  read(storage: Storage): TypedArray {
    return this.#binding.tensorDataSync(this.check(storage).id);
  }

  /** @throws ErmineError where the storage is not one of this backend's, or is released */
  check(storage: Storage): TfStorage {
    this.checkAlive();
    if (storage instanceof TfStorage && this.#live.has(storage)) return storage;
    throw new ErmineError("ERMINE_RELEASED", "This storage is not one of this tfjs backend's, or was released already.");
  }

  memory(): { tensors: number; bytes: number } {
    return { tensors: this.#live.size, bytes: this.#bytes };
  }

  dispose(): void {
    this.#disposed = true;
    for (const storage of this.#live) this.#binding.deleteTensor(storage.id);
    for (const id of this.#constants.values()) this.#binding.deleteTensor(id);
    this.#live.clear();
    this.#constants.clear();
    this.#bytes = 0;
  }

  /** @internal Runs one of TensorFlow's ops; the ids are the caller's. `label` begins messages. */
  execute(name: string, inputs: readonly number[], attributes: TfAttributes, outputs: number, label = name): number[] {
    try {
      return this.#binding.executeOp(name, this.#attributes(attributes), inputs, outputs).map(({ id }) => id);
    } catch (error) {
      throw explained(error, label);
    }
  }

  /** @internal A bool scalar's value. */
  holds(id: number): boolean {
    return this.#binding.tensorDataSync(id)[0] !== 0;
  }

  #attributes(attributes: TfAttributes): OpAttribute[] {
    return Object.entries(attributes).map(([name, attribute]) => opAttribute(this.#binding, name, attribute));
  }

  /** @internal A constant's id, and whether it is cached. */
  constant(data: TypedArray, shape: readonly number[], dtype: DType): { id: number; isCached: boolean } {
    if (data.length > cacheLength)
      return { id: this.#binding.createTensor(shape, dataType[dtype], fitting(data, dtype)), isCached: false };
    const key = `${dtype}|${shape.join()}|${Array.from(data, (n) => (Object.is(n, -0) ? "-0" : n)).join()}`;
    const cached = this.#constants.get(key);
    if (cached !== undefined) return { id: cached, isCached: true };
    const id = this.#binding.createTensor(shape, dataType[dtype], fitting(data, dtype));
    if (this.#constants.size >= cacheCapacity) return { id, isCached: false };
    this.#constants.set(key, id);
    return { id, isCached: true };
  }

  readonly kernels: Readonly<Record<string, Kernel>> = Object.fromEntries(
    Object.entries(lowerings).map(([name, lowering]) => [name, this.#kernel(name, lowering)]),
  );

  #kernel(op: string, lowering: Lowering): Kernel {
    return (inputs, attributes, outputs) => {
      this.checkAlive();
      const temporary = new Set<number>();
      const emitter = new EagerEmitter(this, op, temporary);
      try {
        const operands = inputs.map(
          (input) => input && { handle: this.check(input.storage).id, shape: input.shape, dtype: input.dtype },
        );
        const results = lowering(emitter, operands, attributes as never, outputs);
        const ids = results.map(({ handle }) => {
          if (temporary.delete(handle as number)) return handle as number;
          // An input, a kept constant, or the same result twice: another handle to the same numbers.
          return this.execute("Identity", [handle as number], {}, 1)[0]!;
        });
        return ids.map((id, i) => this.adopt(id, concrete(outputs[i]!.shape), outputs[i]!.dtype));
      } finally {
        for (const id of temporary) this.#binding.deleteTensor(id);
      }
    };
  }
}

/** Ops that refuse an index outside of its axis, whatever there is to move. Others are not run where nothing comes out. */
const lookups = new Set(["GatherV2", "TensorScatterAdd"]);

class EagerEmitter implements Emitter {
  readonly #eager: Eager;
  readonly #op: string;
  readonly #temporary: Set<number>;

  /** `op` begins messages. */
  constructor(eager: Eager, op: string, temporary: Set<number>) {
    this.#eager = eager;
    this.#op = op;
    this.#temporary = temporary;
  }

  op(name: string, inputs: readonly Operand[], attributes: TfAttributes, outputs: readonly OutputType[]): Operand[] {
    if (outputs.every(({ shape }) => shape.includes(0)) && !lookups.has(name))
      return outputs.map(({ shape, dtype }) => this.constant(allocate(dtype, 0), concrete(shape), dtype));
    const ids = this.#eager.execute(
      name,
      inputs.map(({ handle }) => handle as number),
      attributes,
      outputs.length,
      this.#op,
    );
    return ids.map((handle, i) => {
      this.#temporary.add(handle);
      const { shape, dtype } = outputs[i]!;
      return { handle, shape, dtype };
    });
  }

  constant(data: TypedArray, shape: readonly number[], dtype: DType): Operand {
    const { id, isCached } = this.#eager.constant(data, shape, dtype);
    if (!isCached) this.#temporary.add(id);
    return { handle: id, shape, dtype };
  }

  size(size: Size): Operand {
    return this.constant(Int32Array.from(concrete([size])), [], "int32");
  }

  sizes(sizes: readonly Size[]): Operand {
    return this.constant(Int32Array.from(concrete(sizes)), [sizes.length], "int32");
  }

  transpose(x: Operand, permutation: readonly number[]): Operand {
    if (isIdentity(permutation)) return x;
    const order = this.sizes(permutation);
    const type = { shape: permutation.map((axis) => x.shape[axis]!), dtype: x.dtype };
    return this.op("Transpose", [x, order], { T: { type: x.dtype }, Tperm: { type: "int32" } }, [type])[0]!;
  }

  onlyIf(condition: Operand, x: Operand, make: (x: Operand) => Operand): Operand {
    return this.#eager.holds(condition.handle as number) ? make(x) : x;
  }

  repeat(x: Operand, shape: Shape): Operand {
    const attributes = { T: { type: x.dtype }, Tidx: { type: "int32" } } as const;
    return repeatFolded(
      this,
      x,
      shape,
      (once, whole) => this.op("BroadcastTo", [once, this.sizes(whole)], attributes, [{ shape: whole, dtype: x.dtype }])[0]!,
    );
  }
}

function opAttribute(binding: Binding, name: string, attribute: TfAttribute): OpAttribute {
  if ("type" in attribute) return { name, type: binding.TF_ATTR_TYPE, value: dataType[attribute.type] };
  if ("int" in attribute) return { name, type: binding.TF_ATTR_INT, value: attribute.int };
  if ("ints" in attribute) return { name, type: binding.TF_ATTR_INT, value: attribute.ints };
  if ("float" in attribute) return { name, type: binding.TF_ATTR_FLOAT, value: attribute.float };
  if ("bool" in attribute) return { name, type: binding.TF_ATTR_BOOL, value: attribute.bool };
  if ("string" in attribute) return { name, type: binding.TF_ATTR_STRING, value: attribute.string };
  return { name, type: binding.TF_ATTR_SHAPE, value: attribute.shape };
}

/** @internal The name of the graph's node that TensorFlow complains of. */
export const failedNode = (error: unknown): string | undefined =>
  /\{\{node ([^}]+)\}\}/.exec(error instanceof Error ? error.message : "")?.[1];

/** @internal TensorFlow's complaint in ermine's words. */
export function explained(error: unknown, opLabel: string): ErmineError {
  const message = error instanceof Error ? error.message : String(error);
  const index = /= (-?\d+) is not in \[0, (\d+)\)|= \[(-?\d+)\] does not index into shape \[(\d+)/.exec(message);
  if (index !== null) {
    const [value, size] = index[1] === undefined ? [index[3], index[4]] : [index[1], index[2]];
    return new ErmineError("ERMINE_VALUE", `${opLabel}: the index ${value} is not in 0 … ${Number(size) - 1}.`, { cause: error });
  }
  const label = /Received a label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)/.exec(message);
  if (label !== null) {
    const [, value, classes] = label;
    return new ErmineError(
      "ERMINE_VALUE",
      `${opLabel}: the target ${value} is no class, and classes are whole numbers from 0 to ${Number(classes) - 1}.`,
      { cause: error },
    );
  }
  if (/OOM|RESOURCE_EXHAUSTED|Invalid TF_Status: 8\b/.test(message)) {
    return new ErmineError(
      "ERMINE_MEMORY",
      `${opLabel}: TensorFlow is out of memory. Use a smaller batch or model.\n${message}`,
      {
        cause: error,
      },
    );
  }
  return new ErmineError("ERMINE_BACKEND", `${opLabel}: TensorFlow refused.\n${message}`, { cause: error });
}
