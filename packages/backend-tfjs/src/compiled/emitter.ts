/**
 * An emitter that writes a graph down: each value once, sizes that are symbols read from what is fed, and reorderings of axes and
 * repetitions put off until somebody needs them done, which between two convolutions, and in the gradient of a mean, is never.
 */
import { Dim, ErmineError, type DType, type Shape, type Size, type TypedArray } from "@ermine/core";
import { isIdentity, repeatFolded } from "../lowering/calls.js";
import type { Emitter, Operand, OutputType, TfAttributes } from "../lowering/emitter.js";
import type { NodeDef } from "./graphDef.js";

/** Where a symbol's number is read: an axis of something fed. */
export interface SymbolPlace {
  readonly operand: Operand;
  readonly axis: number;
}

const int32 = { type: "int32" } as const;

/** JSON has no ±∞, NaN and −0: each is a key of its own. */
const exactNumbers = (_: string, value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? "-0" : value}`
    : value;

/** The ops that TensorFlow's graph optimizer takes for associative. */
const arithmetic = new Set(["AddV2", "Sub", "Mul", "RealDiv"]);
const isFloatArithmetic = (name: string, [output]: readonly OutputType[]): boolean =>
  arithmetic.has(name) && output?.dtype === "float32";

export class GraphEmitter implements Emitter {
  readonly nodes: NodeDef[];
  readonly #prefix: string;
  readonly #symbols: ReadonlyMap<string, SymbolPlace>;
  readonly #results = new Map<string, readonly Operand[]>();
  readonly #constants = new Map<string, Operand>();
  /** Values that are computed from constants alone. */
  readonly #constant = new Set<string>();
  /** Results of float arithmetic with two operands, neither of them constant. */
  readonly #arithmeticOfValues = new Set<string>();
  readonly #placeholders = new Map<string, string>();

  /** @param nodes where the nodes go, those of other entries among them */
  constructor(nodes: NodeDef[], prefix: string, symbols: ReadonlyMap<string, SymbolPlace>) {
    this.nodes = nodes;
    this.#prefix = prefix;
    this.#symbols = symbols;
  }

  /** A node with this very name. */
  node(name: string, op: string, inputs: readonly string[], attributes: TfAttributes): string {
    this.nodes.push({ name, op, inputs, attributes });
    return name;
  }

  #fresh(op: string): string {
    return `${this.#prefix}/${this.nodes.length}_${op}`;
  }

  op(name: string, inputs: readonly Operand[], attributes: TfAttributes, outputs: readonly OutputType[]): Operand[] {
    const handles = this.#unmoved(name, inputs, outputs);
    const key = `${name}(${handles.join()})${JSON.stringify(attributes, exactNumbers)}`;
    const cached = this.#results.get(key);
    if (cached !== undefined) return [...cached];
    const node = this.node(this.#fresh(name), name, handles, attributes);
    const results = outputs.map(({ shape, dtype }, i) => ({ handle: i === 0 ? node : `${node}:${i}`, shape, dtype }));
    this.#results.set(key, results);
    const isConstant = handles.length > 0 && handles.every((handle) => this.isConstant(handle));
    for (const { handle } of results) if (isConstant) this.#constant.add(handle);
    if (isFloatArithmetic(name, outputs) && !handles.some((handle) => this.isConstant(handle)))
      this.#arithmeticOfValues.add(node);
    return [...results];
  }

  /** Is the value computed from constants alone? */
  isConstant(handle: string): boolean {
    return this.#constant.has(handle);
  }

  /**
   * TensorFlow's graph optimizer makes x − (y − c) of (x − y) + c, which loses c where x and y are alike, and x · (y · c) of (x · y) · c, which may overflow. It moves
   * constants alone, so a constant next to the arithmetic of two values is given to it as a placeholder that nothing is ever fed to.
   */
  #unmoved(name: string, inputs: readonly Operand[], outputs: readonly OutputType[]): readonly string[] {
    const handles = inputs.map((input) => this.handle(input));
    if (!isFloatArithmetic(name, outputs) || !handles.some((handle) => this.#arithmeticOfValues.has(handle))) return handles;
    return handles.map((handle, i) => (this.isConstant(handle) ? this.#placeholderOf(handle, inputs[i]!.shape) : handle));
  }

  #placeholderOf(constant: string, shape: Shape): string {
    const cached = this.#placeholders.get(constant);
    if (cached !== undefined) return cached;
    const node = this.node(this.#fresh("PlaceholderWithDefault"), "PlaceholderWithDefault", [constant], {
      dtype: { type: "float32" },
      shape: { shape: shape as readonly number[] },
    });
    this.#placeholders.set(constant, node);
    return node;
  }

  /** The name of the value, as large as its shape says and its axes in that order. */
  handle(x: Operand): string {
    if (x.repeated !== undefined) {
      const attributes = { T: { type: x.dtype }, Tidx: int32 } as const;
      const write = (once: Operand, shape: Shape): Operand =>
        this.op("BroadcastTo", [once, this.sizes(shape)], attributes, [{ shape, dtype: x.dtype }])[0]!;
      return repeatFolded(this, x.repeated, x.shape, write).handle as string;
    }
    if (x.permuted === undefined) return x.handle as string;
    const { source, permutation } = x.permuted;
    const order = this.sizes(permutation);
    return this.op("Transpose", [source, order], { T: { type: x.dtype }, Tperm: int32 }, [x])[0]!.handle as string;
  }

  constant(data: TypedArray, shape: readonly number[], dtype: DType): Operand {
    const key =
      data.length > 64 ? undefined : `${dtype}|${shape.join()}|${Array.from(data, (n) => (Object.is(n, -0) ? "-0" : n)).join()}`;
    const cached = key === undefined ? undefined : this.#constants.get(key);
    if (cached !== undefined) return cached;
    const name = this.#fresh("Const");
    this.nodes.push({ name, op: "Const", inputs: [], attributes: { dtype: { type: dtype } }, value: { data, shape, dtype } });
    const constant: Operand = { handle: name, shape, dtype };
    this.#constant.add(name);
    if (key !== undefined) this.#constants.set(key, constant);
    return constant;
  }

  size(size: Size): Operand {
    if (typeof size === "number") return this.constant(Int32Array.of(size), [], "int32");
    let total: Operand | undefined;
    for (const [key, coefficient] of size.terms) {
      let term = this.constant(Int32Array.of(coefficient), [], "int32");
      for (const symbol of key === "" ? [] : key.split("*")) {
        const factor = this.#symbol(symbol);
        term = term.handle === this.size(1).handle ? factor : this.#scalar("Mul", term, factor);
      }
      total = total === undefined ? term : this.#scalar("AddV2", total, term);
    }
    return total!;
  }

  #scalar(name: string, a: Operand, b: Operand): Operand {
    return this.op(name, [a, b], { T: int32 }, [{ shape: [], dtype: "int32" }])[0]!;
  }

  #symbol(name: string): Operand {
    const place = this.#symbols.get(name);
    if (place === undefined) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `The size ${name} cannot be read from anything that is fed: feed a tensor with an axis of that size.`,
      );
    }
    const { operand, axis } = place;
    const attributes = { T: { type: operand.dtype }, out_type: int32 };
    const shape = this.op("Shape", [operand], attributes, [{ shape: [operand.shape.length], dtype: "int32" }])[0]!;
    return this.op(
      "StridedSlice",
      [shape, this.sizes([axis]), this.sizes([axis + 1]), this.sizes([1])],
      { T: int32, Index: int32, shrink_axis_mask: { int: 1 } },
      [{ shape: [], dtype: "int32" }],
    )[0]!;
  }

  sizes(sizes: readonly Size[]): Operand {
    if (sizes.every((size) => !(size instanceof Dim)))
      return this.constant(Int32Array.from(sizes as readonly number[]), [sizes.length], "int32");
    const parts = sizes.map((size) => this.size(size));
    return this.op("Pack", parts, { N: { int: sizes.length }, T: int32, axis: { int: 0 } }, [
      { shape: [sizes.length], dtype: "int32" },
    ])[0]!;
  }

  transpose(x: Operand, permutation: readonly number[]): Operand {
    const { source, permutation: earlier } = x.permuted ?? { source: x, permutation: x.shape.map((_, i) => i) };
    const whole = permutation.map((axis) => earlier[axis]!);
    if (isIdentity(whole)) return source;
    return {
      handle: "",
      shape: whole.map((axis) => source.shape[axis]!),
      dtype: x.dtype,
      permuted: { source, permutation: whole },
    };
  }

  onlyIf(condition: Operand, x: Operand, make: (x: Operand) => Operand): Operand {
    const T = { type: x.dtype };
    const [otherwise, then] = this.op("Switch", [x, condition], { T }, [x, x]) as [Operand, Operand];
    const types = [x, { shape: [], dtype: "int32" as const }];
    return this.op("Merge", [otherwise, make(then)], { T, N: { int: 2 } }, types)[0]!;
  }

  repeat(x: Operand, shape: Shape): Operand {
    return { handle: "", shape, dtype: x.dtype, repeated: x.repeated ?? x };
  }
}
