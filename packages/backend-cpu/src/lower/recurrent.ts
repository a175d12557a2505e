/** Steps of recurrent cells, split over their rows. */
import { costs } from "../generated/instructions.js";
import { allInRows, sizeOf, type Lowering, type Operand } from "./operand.js";
import { splitRange } from "./split.js";

/** Rows of the state, and elements of one. */
const rowsOf = ({ shape }: Operand): readonly [rows: number, size: number] => [sizeOf(shape.slice(0, -1)), shape.at(-1)!];

const lstmCell: Lowering = {
  dtypes: ["float32"],
  inRows: allInRows,
  optionalOutputs: true,
  emit(e, [input, recurrent, c], [h, next, gates]) {
    const [rows, size] = rowsOf(c!);
    splitRange(e, rows, costs.lstmCell * size, 1, (from, count) => {
      const at = (t: Operand | undefined, width: number, other: number): number =>
        t === undefined ? e.scratch(width * count, other) : t.address + 4 * from * width;
      // Of a step whose state nobody reads there are the gates alone, and the other way round.
      const places = [at(h, size, 4 * size), at(next, size, 4 * size + size * count + 8)] as const;
      const gatesAddress = gates === undefined ? e.scratch(4 * size) : gates.address + 16 * from * size;
      const step = gates === undefined ? 0 : 16 * size;
      const given = [
        input!.address + 16 * from * size,
        recurrent!.address + 16 * from * size,
        c!.address + 4 * from * size,
      ] as const;
      e.emit("lstmCell", ...places, gatesAddress, step, ...given, count, size);
    });
  },
};

/** The gradient of the gates is there in gradients of gradients only: then the op is decomposed. */
const lstmCellGradient: Lowering = {
  dtypes: ["float32"],
  inRows: allInRows,
  supports: (inputs) => inputs[5] === undefined,
  emit(e, [g, toNext, gates, c, next], [toGates, toC]) {
    const [rows, size] = rowsOf(c!);
    splitRange(e, rows, costs.lstmCellGradient * size, 1, (from, count) => {
      const at = (t: Operand | undefined): number => t!.address + 4 * from * t!.shape.at(-1)!;
      e.emit("lstmCellGradient", at(toGates), at(toC), at(g), at(toNext), at(gates), at(c), at(next), count, size);
    });
  },
};

const gruCell: Lowering = {
  dtypes: ["float32"],
  inRows: allInRows,
  optionalOutputs: true,
  emit(e, [input, recurrent, h], [next, gates]) {
    const [rows, size] = rowsOf(h!);
    splitRange(e, rows, costs.gruCell * size, 1, (from, count) => {
      const to = next === undefined ? e.scratch(size * count, 4 * size + 8) : next.address + 4 * from * size;
      const gatesAddress = gates === undefined ? e.scratch(4 * size) : gates.address + 16 * from * size;
      const step = gates === undefined ? 0 : 16 * size;
      const given = [
        input!.address + 12 * from * size,
        recurrent!.address + 12 * from * size,
        h!.address + 4 * from * size,
      ] as const;
      e.emit("gruCell", to, gatesAddress, step, ...given, count, size);
    });
  },
};

const gruCellGradient: Lowering = {
  dtypes: ["float32"],
  inRows: allInRows,
  supports: (inputs) => inputs[3] === undefined,
  emit(e, [g, gates, h], [toInput, toRecurrent, toH]) {
    const [rows, size] = rowsOf(h!);
    splitRange(e, rows, costs.gruCellGradient * size, 1, (from, count) => {
      const at = (t: Operand | undefined): number => t!.address + 4 * from * t!.shape.at(-1)!;
      e.emit("gruCellGradient", at(toInput), at(toRecurrent), at(toH), at(g), at(gates), at(h), count, size);
    });
  },
};

export const recurrentCells: readonly (readonly [string, Lowering])[] = Object.entries({
  lstmCell,
  lstmCellGradient,
  gruCell,
  gruCellGradient,
});
