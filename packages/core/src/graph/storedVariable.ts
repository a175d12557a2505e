/** Places of variables' elements, for backends that have none of their own: a storage that is replaced. */
import { checkArguments, misplacedArgument } from "../types/arguments.js";
import { physicalDType, type Storage, type TensorType } from "../types/storage.js";
import { concrete } from "../types/dim.js";
import { allocate, type TypedArray } from "../types/dtype.js";
import { checkBackend } from "../dispatch/currentBackend.js";
import { checkCall } from "../ir/arguments.js";
import type { Backend, KernelOutput, VariableStorage } from "../ir/contract.js";

/** Makes a variable's place in the memory of `backend`, in the dtype that the backend stores. See `Backend.createVariable`. */
export function createVariable(backend: Backend, { shape, dtype }: TensorType, initial?: Storage): VariableStorage {
  const type = { shape: concrete(shape), dtype: physicalDType(backend, dtype) };
  // A backend's own places are for its compiler; where there is none, programs are interpreted.
  const place = backend.compile === undefined ? undefined : backend.createVariable?.(type, initial);
  return place ?? new StoredVariable(backend, type, initial);
}

/** A variable's elements as an immutable storage; a new value is another storage. Interpreted programs work on it. */
export class StoredVariable implements VariableStorage {
  readonly #backend: Backend;
  readonly #type: KernelOutput;
  #storage: Storage | undefined;

  /** @param initial a storage that becomes the variable's own. Absent: all elements are 0 */
  constructor(backend: Backend, type: KernelOutput, initial?: Storage) {
    checkArguments("StoredVariable", arguments, 3);
    checkCall("StoredVariable(backend, type)", [backend, type]);
    checkBackend("new StoredVariable(backend, type)", backend);
    if (initial !== undefined && (typeof initial !== "object" || initial === null))
      throw misplacedArgument("StoredVariable(backend, type, initial)", "initial", initial, "a storage of the backend");
    this.#backend = backend;
    this.#type = type;
    this.#storage = initial;
  }

  /** The storage of the elements; read, never written or released by others. */
  get storage(): Storage {
    const { shape, dtype } = this.#type;
    const length = shape.reduce((a, b) => a * b, 1);
    return (this.#storage ??= this.#backend.upload(allocate(dtype, length), shape, dtype));
  }

  /** Takes over a storage with the new elements. */
  replace(storage: Storage): void {
    const before = this.#storage;
    this.#storage = storage;
    if (before !== undefined) this.#backend.release(before);
  }

  snapshot(): Storage {
    return this.#copy(this.storage);
  }

  read(): Promise<TypedArray> {
    return this.#backend.read(this.storage);
  }

  write(data: TypedArray | Storage): void {
    this.replace(ArrayBuffer.isView(data) ? this.#upload(data as TypedArray) : this.#copy(data));
  }

  take(): Storage {
    const { storage } = this;
    this.#storage = undefined;
    return storage;
  }

  release(): void {
    if (this.#storage !== undefined) this.#backend.release(this.#storage);
    this.#storage = undefined;
  }

  #upload(data: TypedArray): Storage {
    const { shape, dtype } = this.#type;
    const isFloat = data instanceof Float32Array || data instanceof Float64Array;
    return this.#backend.upload(dtype === "float32" && !isFloat ? Float32Array.from(data) : data, shape, dtype);
  }

  #copy(storage: Storage): Storage {
    const { shape } = this.#type;
    return this.#backend.kernels["reshape"]!([{ storage, ...this.#type }], { shape }, [this.#type])[0]!;
  }
}
