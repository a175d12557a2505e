/** Kernels that move elements: reshaping, slicing, gathering, scattering. */
import { ErmineError } from "../../types/errors.js";
import { around, stridesTo, walk, type ArrayKernel, type Operand } from "../storage.js";

const copyFrom = (x: Operand, y: Operand, strides: readonly number[], start = 0): void =>
  walk(y.shape, [strides], (position, at) => {
    y.data[position] = x.data[start + at[0]!]!;
  });

/** An index as the data holds it, checked. */
function checked(op: string, value: number, size: number): number {
  if (Number.isInteger(value) && value >= 0 && value < size) return value;
  throw new ErmineError("ERMINE_VALUE", `${op}: the index ${value} is not in 0 … ${size - 1}.`);
}

export const movement: Readonly<Record<string, ArrayKernel>> = {
  reshape: ([x], [y]) => y!.data.set(x!.data),
  transpose([x], [y], attributes) {
    const strides = stridesTo(x!.shape);
    copyFrom(
      x!,
      y!,
      (attributes["permutation"] as readonly number[]).map((axis) => strides[axis]!),
    );
  },
  broadcastTo: ([x], [y]) => copyFrom(x!, y!, stridesTo(x!.shape, y!.shape)),
  slice([x], [y], attributes) {
    const strides = stridesTo(x!.shape);
    const starts = attributes["starts"] as readonly number[];
    const steps = attributes["steps"] as readonly number[];
    copyFrom(
      x!,
      y!,
      strides.map((stride, axis) => stride * steps[axis]!),
      strides.reduce((sum, stride, axis) => sum + stride * starts[axis]!, 0),
    );
  },
  pad([x], [y], attributes) {
    const strides = stridesTo(y!.shape);
    const offset = (attributes["before"] as readonly number[]).reduce((sum, n, axis) => sum + n * strides[axis]!, 0);
    y!.data.fill(attributes["value"] as number);
    walk(x!.shape, [strides], (position, at) => {
      y!.data[offset + at[0]!] = x!.data[position]!;
    });
  },
  concat(inputs, [y], attributes) {
    const axis = attributes["axis"] as number;
    const strides = stridesTo(y!.shape);
    let offset = 0;
    for (const x of inputs) {
      walk(x.shape, [strides], (position, at) => {
        y!.data[offset + at[0]!] = x.data[position]!;
      });
      offset += x.shape[axis]! * strides[axis]!;
    }
  },
  indexSelect([x, indices], [y], attributes) {
    const { outer, size, inner } = around(x!.shape, attributes["axis"] as number);
    const n = indices!.data.length;
    for (let k = 0; k < n; k++) {
      const row = checked("indexSelect", indices!.data[k]!, size);
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < inner; i++) y!.data[(o * n + k) * inner + i] = x!.data[(o * size + row) * inner + i]!;
    }
  },
  indexAdd([base, indices, updates], [y], attributes) {
    const { outer, size, inner } = around(base!.shape, attributes["axis"] as number);
    const n = indices!.data.length;
    y!.data.set(base!.data);
    for (let k = 0; k < n; k++) {
      const row = checked("indexAdd", indices!.data[k]!, size);
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < inner; i++) y!.data[(o * size + row) * inner + i]! += updates!.data[(o * n + k) * inner + i]!;
    }
  },
  gather([x, indices], [y], attributes) {
    along("gather", x!, indices!, attributes["axis"] as number, (position, at) => {
      y!.data[position] = x!.data[at]!;
    });
  },
  scatterAdd([base, indices, updates], [y], attributes) {
    y!.data.set(base!.data);
    along("scatterAdd", base!, indices!, attributes["axis"] as number, (position, at) => {
      y!.data[at]! += updates!.data[position]!;
    });
  },
};

/** For each index: its position, and the place in `x` that it names. */
function along(op: string, x: Operand, indices: Operand, axis: number, visit: (position: number, at: number) => void): void {
  const strides = stridesTo(x.shape);
  const others = strides.map((stride, i) => (i === axis ? 0 : stride));
  walk(indices.shape, [others], (position, at) => {
    visit(position, at[0]! + checked(op, indices.data[position]!, x.shape[axis]!) * strides[axis]!);
  });
}
