/**
 * The tensor: a shape, a dtype, a domain, and where its elements are. Operations live in `ops/`; lifetimes in `scope.ts`.
 */
import { checkCopy, copyKey, copyMark, type CopyMark } from "./copy.js";
import { nameOf } from "./arguments.js";
import { ErmineError } from "./errors.js";
import { finalizationRegistry } from "./finalizers.js";
import { concrete, formatShape, sizeOf, type Shape } from "./dim.js";
import type { DType, Domain, TypedArray } from "./dtype.js";
import { show } from "./options.js";
import { formatTensor, nest, type NestedNumbers } from "./print.js";
import { physicalDType, type Device, type Storage, type TensorType } from "./storage.js";
import { noteFreed } from "./unscoped.js";

/** Elements that exist: on the host, on one backend, or both. */
export interface EagerState {
  readonly kind: "eager";
  host: TypedArray | undefined;
  backend: Device | undefined;
  storage: Storage | undefined;
  /** The object that the finalizer releases where nobody does before. */
  held: HeldStorage | undefined;
  released: boolean;
  kept: boolean;
  /** The backend itself refers to it: a finalizer, which refers to the backend, would let neither go. */
  cached: boolean;
}

/** A tensor's storage, known to the finalizer, which must not refer to the tensor. */
export interface HeldStorage {
  readonly backend: Device;
  readonly storage: Storage;
  /** How many bytes count as made outside of any scope; 0 inside of one. */
  unscoped: number;
}

/** Elements that a traced graph will make. */
export interface TracedState {
  readonly kind: "traced";
  /** The `Value` of the graph. */
  readonly value: object;
  readonly trace: object;
}

/**
 * An array of any rank. Immutable: every operation gives a new one.
 *
 * The type parameter is the domain of its values. `Tensor` without one is "not known": it fits everywhere at compile time
 * and is checked at run time.
 */
// `any`, unlike `Domain`, is what makes a plain `Tensor` fit everywhere.
export class Tensor<D extends Domain = any> {
  /** The size of each axis; symbols while a function is traced with an open batch. */
  readonly shape: Shape;
  /** The dtype of its elements. */
  readonly dtype: DType;
  /** The domain of its values: "real", "probabilities" or "logProbabilities". */
  readonly domain: D;
  /** @internal */
  readonly state: EagerState | TracedState;
  /** A proxy has no private fields. */
  readonly #kind = "Tensor";

  /** @internal Use `tensor`, `zeros`, … */
  constructor(type: TensorType, state: EagerState | TracedState) {
    this.shape = type.shape;
    this.dtype = type.dtype;
    this.domain = type.domain as D;
    this.state = state;
  }

  /** @internal A tensor of this copy, and not a proxy of one. */
  static is(value: unknown): value is Tensor {
    return typeof value === "object" && value !== null && #kind in value;
  }

  /** @internal */
  get [copyKey](): CopyMark {
    return #kind in this ? copyMark(this.#kind) : copyMark("Tensor", false);
  }

  /** How many axes it has. */
  get rank(): number {
    return this.shape.length;
  }

  /** The number of elements. @throws ErmineError where the shape is symbolic */
  get size(): number {
    return sizeOf(concrete(this.shape, "size")) as number;
  }

  /**
   * A copy of the elements, row-major: a Float32Array (a Float64Array of what the float64 reference computed), an Int32Array, for bool a Uint8Array
   * of 0 and 1. Works on every backend.
   */
  async data(): Promise<TypedArray> {
    const state = eagerState(this, "data()");
    if (state.host !== undefined) return copied(state.host);
    return fitting(await state.backend!.read(state.storage!), this.dtype);
  }

  /** As `data()`, at once. @throws ErmineError ERMINE_UNSUPPORTED on a backend that can only answer later */
  dataSync(): TypedArray {
    const state = eagerState(this, "dataSync()");
    if (state.host !== undefined) return copied(state.host);
    const backend = state.backend!;
    if (backend.readSync === undefined) {
      throw new ErmineError("ERMINE_UNSUPPORTED", `The backend "${backend.name}" answers only later: use await tensor.data().`);
    }
    return fitting(backend.readSync(state.storage!), this.dtype);
  }

  /** The elements as nested arrays (a number for a scalar, booleans for bool). */
  toArray(): NestedNumbers {
    return nest(this.dataSync(), concrete(this.shape), this.dtype);
  }

  /** The one number of a tensor of one element. */
  item(): number {
    const data = this.dataSync();
    if (data.length !== 1) {
      throw new ErmineError("ERMINE_SHAPE", `item() needs one element, got ${formatShape(this.shape)}. Use toArray().`);
    }
    return data[0]!;
  }

  /** The representation in a console; long tensors are cut in the middle. */
  toString(): string {
    if (this.state.kind === "traced") return `Tensor(traced ${this.dtype}${formatShape(this.shape)})`;
    if (this.state.released) return `Tensor(released ${this.dtype}${formatShape(this.shape)})`;
    if (this.state.host === undefined && this.state.backend?.readSync === undefined) {
      return `Tensor(${this.dtype}${formatShape(this.shape)} on ${this.state.backend?.name})`;
    }
    return formatTensor(this.dataSync(), concrete(this.shape), this.dtype);
  }

  /** Prints itself. */
  print(): void {
    console.log(this.toString());
  }

  /** Frees the elements now. A later use is an error. Inside `scope` this is not needed. */
  dispose(): void {
    release(this);
  }

  /** How Node prints it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /**
   * Not there: the error points to `valueAndGrad`.
   *
   * @deprecated A function of PyTorch.
   */
  backward(): never {
    throw new ErmineError(
      "ERMINE_USAGE",
      "A tensor has no backward(): gradients are values in ermine. Use const { value, grads } = valueAndGrad(() => loss, parameters).",
    );
  }

  /**
   * Not there: gradients are values, and nothing adds up.
   *
   * @deprecated A function of PyTorch.
   */
  zeroGrad(): never {
    throw new ErmineError("ERMINE_USAGE", "There is no zeroGrad(): valueAndGrad returns fresh gradients, nothing accumulates.");
  }

  /**
   * Not there: the error points to `stopGradient`.
   *
   * @deprecated A function of PyTorch.
   */
  detach(): never {
    throw new ErmineError("ERMINE_USAGE", "Use stopGradient(tensor).");
  }

  /**
   * Not there: the error points to `valueAndGrad`.
   *
   * @deprecated A function of PyTorch.
   */
  get grad(): never {
    throw new ErmineError("ERMINE_USAGE", "A tensor holds no gradient: valueAndGrad(fn, parameters) returns them.");
  }

  /**
   * Not there: the error points to `toArray`.
   *
   * @deprecated A function of TensorFlow.js.
   */
  arraySync(): never {
    throw new ErmineError("ERMINE_USAGE", "Use toArray().");
  }
}

/** @internal @throws ErmineError where a public function is handed something else than a tensor, or one of another copy of core */
export function checkTensor(name: string, value: unknown): asserts value is Tensor {
  if (Tensor.is(value)) return;
  checkCopy(name, value);
  const received = Array.isArray(value) || ArrayBuffer.isView(value) ? "an array" : show(value);
  throw new ErmineError("ERMINE_VALUE", `${nameOf(name)} expects a tensor, got ${received}. Use tensor(…) to make one.`);
}

/** @internal */
export const typeOf = (t: Tensor): TensorType => ({ shape: t.shape, dtype: t.dtype, domain: t.domain });

/** @internal The place of the elements. @throws ErmineError after a release or in a trace */
export function eagerState(t: Tensor, user: string): EagerState {
  if (t.state.kind === "traced") {
    throw new ErmineError(
      "ERMINE_USAGE",
      `${user} asks for numbers while a function is being traced: they do not exist yet. ` +
        "Return the tensor from the function and read it outside, or use where() instead of if.",
    );
  }
  if (t.state.released) {
    throw new ErmineError(
      "ERMINE_RELEASED",
      `${user}: this ${t.dtype}${formatShape(t.shape)} tensor was released already, by dispose() or at the end of its scope. ` +
        "Return it from the scope, or keep(tensor) it.",
    );
  }
  return t.state;
}

/** @internal The elements as they are held, not copied: doubles that wait for a float64 engine too. */
export const heldElements = (t: Tensor): TypedArray => eagerState(t, "reading").host ?? t.dataSync();

/** Doubles wait on the host for a backend that computes with them; as a tensor's elements they are float32. */
const copied = (host: TypedArray): TypedArray => (host instanceof Float64Array ? Float32Array.from(host) : host.slice());

/** A backend without int32 or bool answers in float32. */
function fitting(data: TypedArray, dtype: DType): TypedArray {
  if (dtype === "int32" && !(data instanceof Int32Array)) return Int32Array.from(data);
  if (dtype === "bool" && !(data instanceof Uint8Array)) return Uint8Array.from(data);
  return data;
}

/** The leak fallback under scopes. It watches states, which views of a tensor share. */
const finalizers = finalizationRegistry<HeldStorage>(free);

function free({ backend, storage, unscoped }: HeldStorage): void {
  if (unscoped > 0) noteFreed(unscoped);
  backend.release(storage);
}

/** @internal */
export function release(t: Tensor): void {
  end(t, free);
}

/** @internal The tensor ends; its storage goes on as somebody else's. */
export function surrender(t: Tensor): void {
  end(t, ({ unscoped }) => {
    if (unscoped > 0) noteFreed(unscoped);
  });
}

function end({ state }: Tensor, giveUp: (storage: HeldStorage) => void): void {
  if (state.kind === "traced" || state.released) return;
  state.released = true;
  state.host = undefined;
  if (state.storage === undefined) return;
  finalizers.unregister(state);
  giveUp(state.held!);
  state.storage = undefined;
  state.held = undefined;
}

function place(state: EagerState, backend: Device, storage: Storage): void {
  state.backend = backend;
  state.storage = storage;
  state.held = { backend, storage, unscoped: 0 };
  if (!state.cached) finalizers.register(state, state.held, state);
}

/** @internal A tensor over a storage that it now owns. */
export function wrapStorage(type: TensorType, backend: Device, storage: Storage): Tensor {
  const result = wrapHost(type, undefined);
  place(result.state as EagerState, backend, storage);
  return result;
}

/** @internal A tensor over host values that it now owns; they go to a backend when an op needs them there. */
export function wrapHost(type: TensorType, host: TypedArray | undefined): Tensor {
  return new Tensor(type, {
    kind: "eager",
    host,
    backend: undefined,
    storage: undefined,
    held: undefined,
    released: false,
    kept: false,
    cached: false,
  });
}

/** @internal The storage on `backend`, uploaded where it was not. */
export function storageOn(t: Tensor, backend: Device, user: string): Storage {
  const state = eagerState(t, user);
  if (state.storage !== undefined) {
    if (state.backend === backend) return state.storage;
    if (state.host === undefined) {
      throw new ErmineError(
        "ERMINE_BACKEND",
        `${user} runs on the backend "${backend.name}", but this tensor lives on "${state.backend!.name}"` +
          `${state.backend!.name === backend.name ? " (another instance)" : ""}. ` +
          "Copy it: tensor(await t.data(), { shape: t.shape, dtype: t.dtype }).",
      );
    }
    // A tensor whose elements the host has can move.
    finalizers.unregister(state);
    state.backend!.release(state.storage);
    state.storage = undefined;
  }
  const dtype = physicalDType(backend, t.dtype);
  const host = dtype === t.dtype ? state.host! : Float32Array.from(state.host!);
  place(state, backend, backend.upload(host, concrete(t.shape), dtype));
  return state.storage!;
}
