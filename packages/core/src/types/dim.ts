/**
 * Sizes that may not be known yet. A `Dim` is a polynomial with integer coefficients over symbols ("N", "2N + 1"), so that
 * one traced graph serves every batch size. A shape is a list of numbers and Dims.
 */
import { nameOf, wrongArgument } from "./arguments.js";
import { ErmineError } from "./errors.js";
import { checkLength } from "./dtype.js";
import { show } from "./options.js";

/** A size: a number, or an expression of symbols. */
export type Size = number | Dim;
/** The size of each axis. */
export type Shape = readonly Size[];
/** The value of each symbol, by name. */
export type Bindings = Readonly<Record<string, number>>;

/** An unknown size: Σ coefficient · Π symbols. Immutable; constants are plain numbers, never Dims. */
export class Dim {
  /** "" is the constant term, "N" linear, "M*N" a product; symbols sorted. */
  readonly terms: ReadonlyMap<string, number>;

  private constructor(terms: ReadonlyMap<string, number>) {
    this.terms = terms;
  }

  /** The size with that name: "N". */
  static symbol(name: string): Dim {
    return new Dim(new Map([[name, 1]]));
  }

  /** A number where nothing symbolic is left. */
  static from(terms: Map<string, number>): Size {
    for (const [key, value] of terms) if (value === 0) terms.delete(key);
    if (terms.size === 0) return 0;
    if (terms.size === 1 && terms.has("")) return terms.get("")!;
    return new Dim(new Map([...terms].sort(([a], [b]) => (a < b ? 1 : -1))));
  }

  /** Its value where its symbols have those. */
  evaluate(bindings: Bindings): number {
    let total = 0;
    for (const [key, coefficient] of this.terms) {
      let product = coefficient;
      if (key !== "") {
        for (const symbol of key.split("*")) {
          const value = bindings[symbol];
          if (value === undefined) throw new ErmineError("ERMINE_SHAPE", `The size ${symbol} is not bound to a number.`);
          product *= value;
        }
      }
      total += product;
    }
    return total;
  }

  /** As in messages: "2·N + 1". */
  toString(): string {
    return [...this.terms].map(([key, value]) => (key === "" ? `${value}` : value === 1 ? key : `${value}${key}`)).join("+");
  }

  /** As in messages. */
  toJSON(): string {
    return this.toString();
  }
}

const termsOf = (size: Size): ReadonlyMap<string, number> => (typeof size === "number" ? new Map([["", size]]) : size.terms);

/** a + b of sizes that may be symbols. */
export function addSizes(a: Size, b: Size): Size {
  if (typeof a === "number" && typeof b === "number") return a + b;
  const terms = new Map(termsOf(a));
  for (const [key, value] of termsOf(b)) terms.set(key, (terms.get(key) ?? 0) + value);
  return Dim.from(terms);
}

/** a · b of sizes that may be symbols. */
export function mulSizes(a: Size, b: Size): Size {
  if (typeof a === "number" && typeof b === "number") return a * b;
  const terms = new Map<string, number>();
  for (const [ka, va] of termsOf(a)) {
    for (const [kb, vb] of termsOf(b)) {
      const key = [...ka.split("*"), ...kb.split("*")]
        .filter((s) => s !== "")
        .sort()
        .join("*");
      terms.set(key, (terms.get(key) ?? 0) + va * vb);
    }
  }
  return Dim.from(terms);
}

/** a − b of sizes that may be symbols. */
export const subSizes = (a: Size, b: Size): Size => addSizes(a, mulSizes(b, -1));

/** a / b where it divides exactly for every binding that we can prove it for; undefined otherwise. */
export function divSizes(a: Size, b: Size): Size | undefined {
  if (typeof a === "number" && typeof b === "number") return b !== 0 && a % b === 0 ? a / b : undefined;
  if (a === 0) return 0;
  const divisor = termsOf(b);
  if (divisor.size === 1) {
    const [[key, coefficient]] = [...divisor] as [[string, number]];
    const terms = new Map<string, number>();
    for (const [k, v] of termsOf(a)) {
      const symbols = k === "" ? [] : k.split("*");
      for (const symbol of key === "" ? [] : key.split("*")) {
        const i = symbols.indexOf(symbol);
        if (i < 0) return undefined;
        symbols.splice(i, 1);
      }
      if (coefficient === 0 || v % coefficient !== 0) return undefined;
      terms.set(symbols.join("*"), v / coefficient);
    }
    return Dim.from(terms);
  }
  // A sum divides only its own multiples: try the ratio of the leading terms.
  const [lead] = [...termsOf(a)];
  const [leadB] = [...divisor];
  if (lead === undefined || leadB === undefined || lead[1] % leadB[1] !== 0) return undefined;
  const ratio = lead[1] / leadB[1];
  return sameSize(mulSizes(b, ratio), a) ? ratio : undefined;
}

/** Are they equal for every value of their symbols? */
export function sameSize(a: Size, b: Size): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  if (a === b) return true;
  if (a.terms.size !== b.terms.size) return false;
  for (const [key, value] of a.terms) if (b.terms.get(key) !== value) return false;
  return true;
}

/** Are they of equal rank and sizes? */
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => sameSize(size, b[i]!));

/** Π sizes; 1 for a scalar. */
export const sizeOf = (shape: Shape): Size => shape.reduce<Size>(mulSizes, 1);

/** The number of elements of a shape whose sizes are numbers. */
export const countElements = (shape: Shape): number => (shape as readonly number[]).reduce((a, b) => a * b, 1);

/** Is it a size that is known: a whole number ≥ 0? */
const isKnownSize = (size: unknown): boolean => Number.isSafeInteger(size) && (size as number) >= 0;

/**
 * Refuses what is no list of sizes.
 *
 * @throws ErmineError ERMINE_SHAPE where it is no list of whole numbers ≥ 0 (and open sizes, in a trace), ERMINE_MEMORY for more elements than
 * a tensor can have
 */
export function checkShape(where: string, shape: unknown): asserts shape is Shape {
  if (Array.isArray(shape)) {
    // Holes of an array are undefined, which is no size.
    const sizes = Array.from(shape as readonly unknown[]);
    if (sizes.every((size) => isKnownSize(size) || size instanceof Dim)) {
      const length = sizeOf(sizes as Size[]);
      if (typeof length === "number") checkLength(length, where);
      return;
    }
  }
  throw new ErmineError("ERMINE_SHAPE", `${where}: a shape is an array of whole numbers ≥ 0, got ${formatAny(shape)}.`);
}

/** @throws ErmineError ERMINE_MEMORY for more elements than a tensor can have, where all sizes are known */
export function checkElementCount(where: string, shape: Shape): void {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== "number") return;
    count *= size;
  }
  checkLength(count, where);
}

/** The type of a shape argument. */
function formatAny(shape: unknown): string {
  if (Array.isArray(shape))
    return `[${Array.from(shape as readonly unknown[], (size) => (size instanceof Dim ? size.toString() : show(size))).join(", ")}]`;
  return typeof shape === "number" ? `${shape}. Write [${shape}]` : show(shape);
}

/** "[N, 784]", as messages print it. */
export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The shape as numbers. Eager shapes always are; a symbolic one is an error that names the op. */
export function concrete(shape: Shape, where = "This op"): readonly number[] {
  if (shape.every((size) => typeof size === "number")) return shape as readonly number[];
  throw new ErmineError("ERMINE_SHAPE", `${where} needs sizes that are known, got ${formatShape(shape)}.`);
}

/** Puts numbers in the place of symbols, anywhere inside plain data (shapes, attributes). */
export function bind<T>(value: T, bindings: Bindings): T {
  if (value instanceof Dim) return value.evaluate(bindings) as T;
  if (Array.isArray(value)) return value.map((item) => bind(item, bindings)) as T;
  if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, bind(v, bindings)])) as T;
  }
  return value;
}

/** NumPy's rule: aligned at the right, equal or 1. */
export function broadcastShapes(where: string, ...shapes: readonly Shape[]): Shape {
  const result: Size[] = [];
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  for (let axis = 1; axis <= rank; axis++) {
    let size: Size = 1;
    for (const shape of shapes) {
      const other = shape[shape.length - axis];
      if (other === undefined || sameSize(other, 1)) continue;
      if (!sameSize(size, 1) && !sameSize(size, other)) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `${where}: the shapes ${shapes.map(formatShape).join(" and ")} do not broadcast: ${size} ≠ ${other} on axis -${axis}. ` +
            `Sizes must be equal or 1, aligned at the right; reshape or transpose one of them.`,
        );
      }
      size = other;
    }
    result.unshift(size);
  }
  return result;
}

/** Is it an axis of a scalar? As in PyTorch, along 0 and −1 a scalar is a vector of one element. */
export const isScalarAxis = (axis: number, rank: number): boolean => rank === 0 && (axis === 0 || axis === -1);

/**
 * -1 … as NumPy: an axis in [0, rank).
 *
 * @param where the op, or its signature, "expandDims(x, axis)", where the axis is an argument of its own
 * @param parameter the argument's name there
 */
export function normalizeAxis(where: string, axis: number, rank: number, parameter = "axis"): number {
  if (typeof axis !== "number") throw wrongArgument(where, parameter, axis, "integer");
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    const axes = rank === 0 ? "a scalar, which has none" : `a tensor of rank ${rank} (-${rank} … ${rank - 1})`;
    throw new ErmineError("ERMINE_SHAPE", `${nameOf(where)}: axis ${axis} is not one of ${axes}.`);
  }
  return normalized;
}

/** Sorted, distinct, non-negative axes; undefined means all. Of a scalar 0 and −1 are taken, and there are none. */
export function normalizeAxes(where: string, axis: number | readonly number[] | undefined, rank: number): readonly number[] {
  if (axis === undefined) return Array.from({ length: rank }, (_, i) => i);
  if (typeof axis !== "number" && !Array.isArray(axis)) throw wrongArgument(where, "axis", axis, "integers");
  const list = (typeof axis === "number" ? [axis] : axis)
    .filter((a) => !isScalarAxis(a, rank))
    .map((a) => normalizeAxis(where, a, rank));
  return [...new Set(list)].sort((a, b) => a - b);
}
