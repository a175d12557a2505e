/** What a name of the graph stands for while it runs: a tensor, or elements that the host knows, of which some may be open sizes. */
import {
  add,
  Dim,
  ErmineError,
  full,
  keep,
  mul,
  scalar,
  sum,
  tensor,
  Tensor,
  type DType,
  type Shape,
  type Size,
} from "@ermine/core";
import { currentTrace, type Trace } from "@ermine/core/backend";

/** Elements on the host, row by row. int64 stands as int32, its elements are exact up to 2⁵³. */
export interface HostArray {
  /** The size of each axis. */
  readonly shape: readonly number[];
  /** What they are as a tensor. */
  readonly dtype: DType;
  /** Numbers, and sizes that are open in a trace. */
  readonly elements: ArrayLike<Size>;
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** A value of a running graph. */
export class Value {
  /** The elements where the host knows them. */
  readonly host: HostArray | undefined;
  /** Of a sequence its values. */
  readonly items: readonly Value[] | undefined;
  #tensor: Tensor | undefined;
  /** Of open sizes the trace that the tensor is of: a body's is another than what surrounds it. */
  #trace: Trace | undefined;
  readonly #isKept: boolean;

  private constructor(of: Tensor | undefined, host: HostArray | undefined, isKept: boolean, items?: readonly Value[]) {
    this.#tensor = of;
    this.host = host;
    this.#isKept = isKept;
    this.items = items;
  }

  /** A sequence of values. */
  static sequence(items: readonly Value[]): Value {
    return new Value(undefined, undefined, false, items);
  }

  /** A tensor that is computed. */
  static of(t: Tensor): Value {
    return new Value(t, undefined, false);
  }

  /** Elements that the host knows. `isKept`: its tensor outlives the scope in which it is first asked for. */
  static host(host: HostArray, { isKept = false }: { readonly isKept?: boolean } = {}): Value {
    return new Value(undefined, host, isKept);
  }

  /** A tensor whose elements the host knows as well. */
  static both(t: Tensor, host: HostArray): Value {
    return new Value(t, host, false);
  }

  /** A list of whole numbers. */
  static list(elements: ArrayLike<Size>): Value {
    return Value.host({ shape: [elements.length], dtype: "int32", elements });
  }

  get shape(): Shape {
    return this.host?.shape ?? this.tensor.shape;
  }

  get dtype(): DType {
    return this.host?.dtype ?? this.tensor.dtype;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The value as a tensor. @throws ErmineError ERMINE_VALUE for an int64 that no int32 holds */
  get tensor(): Tensor {
    if (this.items !== undefined)
      throw new ErmineError("ERMINE_DATA", `A sequence of ${this.items.length} tensors stands where a tensor belongs.`);
    const isOpen = this.host !== undefined && this.#trace !== undefined && this.#trace !== currentTrace();
    if (this.#tensor === undefined || isOpen) {
      const created = tensorOf(this.host!);
      this.#tensor = this.#isKept ? keep(created) : created;
      this.#trace = created.state.kind === "traced" ? currentTrace() : undefined;
    }
    return this.#tensor;
  }

  /** Does the host know the elements, all of them numbers? */
  get isKnown(): boolean {
    return this.host !== undefined && !hasOpenSizes(this.host.elements);
  }
}

/** Is one of them a size that is open? */
export function hasOpenSizes(elements: ArrayLike<Size>): boolean {
  if (ArrayBuffer.isView(elements)) return false;
  return Array.prototype.some.call(elements, (element) => typeof element !== "number");
}

function tensorOf({ shape, dtype, elements }: HostArray): Tensor {
  if (hasOpenSizes(elements)) return openTensor(shape, elements);
  const numbers = elements as ArrayLike<number>;
  if (dtype === "int32" && !(numbers instanceof Int32Array)) checkInt32(numbers);
  return tensor(typedArray(numbers, dtype), { shape, dtype });
}

/** The elements in the array that the dtype is stored as. */
export function typedArray(elements: ArrayLike<number>, dtype: DType): Float32Array | Float64Array | Int32Array | Uint8Array {
  if (dtype === "float32")
    return elements instanceof Float32Array || elements instanceof Float64Array ? elements : Float32Array.from(elements);
  if (dtype === "int32") return elements instanceof Int32Array ? elements : Int32Array.from(elements);
  return elements instanceof Uint8Array ? elements : Uint8Array.from(elements);
}

/** @throws ErmineError ERMINE_VALUE for an int64 that no int32 holds */
export function checkInt32(elements: ArrayLike<number>): void {
  for (let i = 0; i < elements.length; i++) {
    const value = elements[i]!;
    if ((value | 0) === value) continue;
    throw new ErmineError(
      "ERMINE_VALUE",
      `The int64 ${value} is beyond what ermine's integers hold, −2³¹ … 2³¹ − 1. Integers of that size cannot be computed with.`,
    );
  }
}

/** Open sizes as elements: what each is in the run, as int32. */
function openTensor(shape: readonly number[], elements: ArrayLike<Size>): Tensor {
  let whole: Tensor | undefined;
  for (let i = 0; i < elements.length; i++) {
    const place = tensor(
      Int32Array.from({ length: elements.length }, (_, at) => Number(at === i)),
      { shape },
    );
    const element = mul(place, sizeTensor(elements[i]!));
    whole = whole === undefined ? element : add(whole, element);
  }
  return whole ?? tensor(new Int32Array(0), { shape });
}

/** A size as an int32 scalar of the program. */
function sizeTensor(size: Size): Tensor {
  if (!(size instanceof Dim)) return scalar(size, { dtype: "int32" });
  let total: Tensor = scalar(0, { dtype: "int32" });
  for (const [symbols, coefficient] of size.terms) {
    const factors = symbols === "" ? [] : symbols.split("*").map((symbol) => lengthOf(Dim.symbol(symbol)));
    total = add(
      total,
      factors.reduce<Tensor>((a, b) => mul(a, b), scalar(coefficient, { dtype: "int32" })),
    );
  }
  return total;
}

const lengthOf = (size: Size): Tensor => sum(full([size], 1, { dtype: "int32" }));

/** The elements of a tensor that is on the host, or whose backend answers at once. */
export function readHost(t: Tensor): HostArray {
  return { shape: t.shape as readonly number[], dtype: t.dtype, elements: t.dataSync() };
}

/** The same elements as another dtype, as `Cast` has it. */
export function castHost({ shape, dtype, elements }: HostArray, to: DType): HostArray {
  if (dtype === to) return { shape, dtype, elements };
  const convert = (element: Size): Size => {
    if (typeof element !== "number") return element;
    if (to === "bool") return Number(element !== 0);
    if (to === "int32") return Number.isNaN(element) ? 0 : Math.trunc(element);
    return Math.fround(element);
  };
  return { shape, dtype: to, elements: Array.from(elements, convert) };
}

/** As many as that many elements. */
export const countOf = (shape: readonly number[]): number => product(shape);
