/** Numbers as people nest them: shape, dtype, and the elements in row-major order. */
import { ErmineError } from "./errors.js";
import { elementsOf, isTypedArray, naturalDType, type AnyTypedArray, type ElementRule } from "./arrays.js";
import { formatShape } from "./dim.js";
import { allocate, promote, type DType, type TypedArray } from "./dtype.js";
import type { NestedNumbers } from "./print.js";

/** Arrays of arrays, of which the innermost may be typed. */
export type Nested = NestedNumbers | AnyTypedArray | readonly Nested[];

/** More axes than any tensor has. */
const deepest = 512;

interface Elements {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The typed array itself, where it is one of the dtype. */
  readonly data: TypedArray;
}

const isArray = (level: Nested): level is AnyTypedArray | readonly Nested[] => Array.isArray(level) || isTypedArray(level);

/**
 * The elements of nested arrays, of a typed array, or of one number.
 *
 * @param dtype default: the widest that an element has by itself: bool for booleans, int32 in arrays of integers, else float32
 * @throws ErmineError ERMINE_SHAPE where rows differ in length, ERMINE_DTYPE where something is no number or does not fit
 */
export function nested(where: string, values: Nested, dtype?: DType, rule: Pick<ElementRule, "holder"> = {}): Elements {
  if (isTypedArray(values)) {
    const elementType = dtype ?? naturalDType(values);
    return { shape: [values.length], dtype: elementType, data: elementsOf(values, { ...rule, where, dtype: elementType }) };
  }
  const shape = nestingOf(where, values);
  const visit = new Visit(where, shape);
  visit.level(values, 0);
  const elementType = dtype ?? visit.dtype ?? "float32";
  const data = allocate(elementType, visit.count);
  let at = 0;
  for (const row of visit.rows) {
    data.set(elementsOf(row, { ...rule, where, dtype: elementType, offset: at }), at);
    at += row.length;
  }
  return { shape, dtype: elementType, data };
}

function nestingOf(where: string, values: Nested): number[] {
  const shape: number[] = [];
  const levels = new Set<Nested>();
  for (let level = values; isArray(level); level = (level as readonly Nested[])[0]!) {
    if (levels.has(level))
      throw new ErmineError("ERMINE_SHAPE", `${where}: an array contains itself, so that its nesting has no end.`);
    if (shape.length === deepest)
      throw new ErmineError("ERMINE_SHAPE", `${where}: arrays are nested more than ${deepest} deep, and each level is an axis.`);
    levels.add(level);
    shape.push(level.length);
    if (level.length === 0 || isTypedArray(level)) break;
  }
  return shape;
}

/** Looks at every level once: the innermost arrays in order, and the widest dtype of theirs. */
class Visit {
  readonly rows: ArrayLike<unknown>[] = [];
  dtype: DType | undefined;
  count = 0;
  readonly #where: string;
  readonly #shape: readonly number[];

  constructor(where: string, shape: readonly number[]) {
    this.#where = where;
    this.#shape = shape;
  }

  level(level: Nested, axis: number): void {
    const rank = this.#shape.length;
    if (rank === 0) return this.#row([level]);
    if (!isArray(level) || axis === rank || level.length !== this.#shape[axis]) this.#refuse(level);
    if (axis === rank - 1) return this.#row(level);
    if (isTypedArray(level)) this.#refuse(level);
    for (const item of level as readonly Nested[]) this.level(item, axis + 1);
  }

  #row(row: ArrayLike<unknown>): void {
    const rowType = isTypedArray(row) && row.length > 0 ? naturalDType(row) : this.#dtypeOf(row);
    if (rowType !== undefined) this.dtype = this.dtype === undefined ? rowType : promote(this.dtype, rowType);
    this.rows.push(row);
    this.count += row.length;
  }

  #dtypeOf(row: ArrayLike<unknown>): DType | undefined {
    let dtype: DType | undefined;
    for (let i = 0; i < row.length; i++) {
      const kind = typeof row[i];
      if (kind === "number") dtype = "float32";
      else if (kind === "boolean") dtype ??= "bool";
      else this.#refuse(row[i]);
    }
    return dtype;
  }

  #refuse(element: unknown): never {
    const where = this.#where;
    if (isArray(element as Nested) || typeof element === "number" || typeof element === "boolean") {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${where}: the nested arrays are ragged; the first ones give ${formatShape(this.#shape)}.`,
      );
    }
    const bytes = element instanceof ArrayBuffer || ArrayBuffer.isView(element);
    throw new ErmineError(
      "ERMINE_DTYPE",
      `${where} holds numbers or booleans, got ${element === null ? "null" : bytes ? "bytes without a kind. Say which: new Float32Array(buffer)" : typeof element}.`,
    );
  }
}
