/** A column in memory: rows of one shape, gathered by their indices. */
import { ErmineError, type DType, type NumberArray, type TypedArray } from "@ermine/core";
import { allocate } from "@ermine/core/backend";
import { elementsOf } from "@ermine/core/define";

/** Rows of one shape, one after the other. */
export class Column {
  /** Name in messages: "inputs", "targets.mask". */
  readonly name: string;
  /** [rows, ...row]. */
  readonly shape: readonly number[];
  /** The dtype that its elements have for the model. */
  readonly dtype: DType;
  /** Elements in a row. */
  readonly rowLength: number;
  readonly #data: NumberArray;
  readonly #length: number;

  /** @param data elements that `dtype` holds, in an array of any kind: bytes stay bytes, and become int32 where a batch is made of them */
  constructor(data: NumberArray, shape: readonly number[], dtype: DType, name: string) {
    this.#data = data;
    this.#length = data.length;
    this.shape = shape;
    this.dtype = dtype;
    this.name = name;
    this.rowLength = shape.slice(1).reduce((a, b) => a * b, 1);
  }

  /** Number of rows. */
  get rows(): number {
    return this.shape[0]!;
  }

  /** The elements. @throws ErmineError ERMINE_DATA where their array was detached or resized since the column was made */
  get data(): NumberArray {
    if (this.#data.length === this.#length) return this.#data;
    throw new ErmineError(
      "ERMINE_DATA",
      `${this.name}: the array of this column had ${this.#length} elements and has ${this.#data.length}: its buffer was detached (postMessage, ` +
        "structuredClone and transfer() move it) or resized after the data set was made. Make a data set of a copy: array.slice().",
    );
  }

  /** Writes the rows with these indices, one after the other, into `target`. */
  gather(indices: ArrayLike<number>, target: TypedArray): void {
    const { data, rowLength } = this;
    if (rowLength === 1) {
      for (let i = 0; i < indices.length; i++) target[i] = data[indices[i]!]!;
      return;
    }
    // A view for each row costs more than a few elements one by one.
    if (rowLength <= 32) {
      for (let i = 0, to = 0; i < indices.length; i++) {
        const start = indices[i]! * rowLength;
        for (let from = start; from < start + rowLength; from++) target[to++] = data[from]!;
      }
      return;
    }
    const view = data as TypedArray;
    for (let i = 0; i < indices.length; i++) {
      const start = indices[i]! * rowLength;
      target.set(view.subarray(start, start + rowLength), i * rowLength);
    }
  }

  /** All elements, as a backend takes them. */
  elements(): TypedArray {
    return elementsOf(this.data, { where: this.name, dtype: this.dtype });
  }

  /** A column of those rows, copied, in that order. */
  select(indices: ArrayLike<number>): Column {
    const data = allocate(this.dtype, indices.length * this.rowLength);
    this.gather(indices, data);
    return new Column(data, [indices.length, ...this.shape.slice(1)], this.dtype, this.name);
  }
}
