/** Einstein's summation: products of tensors by naming their axes. */
import { show } from "../types/options.js";
import { wrongArgument } from "../types/arguments.js";
import { ErmineError } from "../types/errors.js";
import { formatShape, mulSizes, sameSize, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";
import { diagonal, matmul } from "./matmul.js";
import { sum } from "./reduction.js";
import { permute, reshape } from "./shape.js";

/** A tensor with one letter for each axis. */
interface Labelled {
  readonly tensor: Tensor;
  readonly labels: readonly string[];
}

/**
 * `einsum("ij,jk->ik", a, b)`: multiplies with axes of the same letter aligned, and sums over the letters that the result does not
 * name. Without "->" the result has the letters that occur once, in alphabetical order; "..." stands for axes that broadcast.
 *
 * @throws ErmineError ERMINE_VALUE for a malformed equation, ERMINE_SHAPE where a letter has two sizes
 * @example
 * einsum("ij,jk->ik", tensor([[1, 2], [3, 4]]), tensor([[1, 0], [0, 1]])); // => [[1, 2], [3, 4]]
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor<"real"> {
  if (typeof equation !== "string") throw misplaced(equation, operands);
  const { inputs, output } = parse(equation, operands);
  let terms = operands.map((t, i) => takeDiagonals({ tensor: cast(t, "float32"), labels: inputs[i]! }));
  checkSizes(equation, terms);
  while (terms.length > 1) {
    const [a, b, ...rest] = terms as [Labelled, Labelled, ...Labelled[]];
    const later = new Set([...output, ...rest.flatMap((term) => term.labels)]);
    terms = [contract(a, b, later), ...rest];
  }
  const [last] = terms as [Labelled];
  const reduced = sumOut(last, new Set(output));
  return permute(
    reduced.tensor,
    output.map((label) => reduced.labels.indexOf(label)),
  );
}

function misplaced(first: unknown, rest: readonly unknown[]): ErmineError {
  const equation = rest.find((value) => typeof value === "string");
  if (equation === undefined) return wrongArgument("einsum(equation, x)", "equation", first, "string");
  const tensors = [first, ...rest.filter((value) => value !== equation)].map((_, i) => ["x", "y", "z"][i] ?? `x${i}`);
  return new ErmineError(
    "ERMINE_USAGE",
    `einsum takes the equation first. Write einsum(${show(equation)}, ${tensors.join(", ")}).`,
  );
}

function parse(equation: string, operands: readonly Tensor[]): { inputs: string[][]; output: string[] } {
  const malformed = (why: string): ErmineError => new ErmineError("ERMINE_VALUE", `einsum("${equation}"): ${why}.`);
  const [left, right, ...more] = equation.replace(/\s/g, "").split("->");
  const sides = left!.split(",");
  if (more.length > 0 || sides.length !== operands.length)
    throw malformed(`it names ${sides.length} operands, ${operands.length} were given`);
  const rankOf = (side: string): number => side.replace("...", "").length;
  const open = sides.map((side, i) => {
    const t = operands[i];
    checkTensor("einsum", t);
    if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(side)) throw malformed(`"${side}" is not letters, with "..." at most once`);
    const rest = t.rank - rankOf(side);
    if (rest < 0 || (rest > 0 && !side.includes("...")))
      throw malformed(`"${side}" does not fit the shape ${formatShape(t.shape)}`);
    return rest;
  });
  // The axes behind "..." are called "0" (the last), "1", … so that they align at the right.
  const ellipsis = (count: number): string[] => Array.from({ length: count }, (_, k) => String(count - 1 - k));
  const expand = (side: string, count: number): string[] => {
    const [before, after] = side.split("...") as [string, string?];
    return after === undefined ? [...before] : [...before, ...ellipsis(count), ...after];
  };
  const inputs = sides.map((side, i) => expand(side, open[i]!));
  const all = inputs.flat();
  const widest = Math.max(0, ...open);
  if (right === undefined) {
    const once = [...new Set(all)].filter(
      (label) => /[a-zA-Z]/.test(label) && all.filter((other) => other === label).length === 1,
    );
    return { inputs, output: [...ellipsis(widest), ...once.sort()] };
  }
  const output = expand(right, widest);
  const strange = output.find((label, i) => !all.includes(label) || output.indexOf(label) !== i);
  if (strange !== undefined) throw malformed(`"${strange}" in the result must occur once there and in an operand`);
  return { inputs, output };
}

/** "ii": the diagonal, as one axis. */
function takeDiagonals({ tensor, labels }: Labelled): Labelled {
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice === undefined) return { tensor, labels };
  const [i, j] = [labels.indexOf(twice), labels.lastIndexOf(twice)];
  if (!sameSize(tensor.shape[i]!, tensor.shape[j]!)) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `einsum: "${twice}" names axes of ${tensor.shape[i]} and ${tensor.shape[j]} in one operand.`,
    );
  }
  const others = labels.flatMap((_, axis) => (axis === i || axis === j ? [] : [axis]));
  const moved = diagonal(permute(tensor, [...others, i, j]));
  return takeDiagonals({ tensor: moved, labels: [...others.map((axis) => labels[axis]!), twice] });
}

const isEllipsis = (label: string): boolean => /\d/.test(label);

function checkSizes(equation: string, terms: readonly Labelled[]): void {
  const sizes = new Map<string, Size>();
  for (const { tensor, labels } of terms) {
    labels.forEach((label, axis) => {
      const size = tensor.shape[axis]!;
      const sizeOfLabel = sizes.get(label);
      if (sizeOfLabel === undefined || sameSize(sizeOfLabel, 1)) sizes.set(label, size);
      else if (!sameSize(sizeOfLabel, size) && !(sameSize(size, 1) && isEllipsis(label))) {
        throw new ErmineError(
          "ERMINE_SHAPE",
          `einsum("${equation}"): "${isEllipsis(label) ? "..." : label}" is ${sizeOfLabel} and ${size}.`,
        );
      }
      if (sizeOfLabel !== undefined && sameSize(sizeOfLabel, 1) && !sameSize(size, 1) && !isEllipsis(label)) {
        throw new ErmineError("ERMINE_SHAPE", `einsum("${equation}"): "${label}" is ${sizeOfLabel} and ${size}.`);
      }
    });
  }
}

function sumOut({ tensor, labels }: Labelled, keep: ReadonlySet<string>): Labelled {
  const axis = labels.flatMap((label, i) => (keep.has(label) ? [] : [i]));
  return axis.length === 0
    ? { tensor, labels }
    : { tensor: sum(tensor, { axis }), labels: labels.filter((label) => keep.has(label)) };
}

/** Two terms as one batched matrix product: [batch…, own, shared] · [batch…, shared, own]. */
function contract(a: Labelled, b: Labelled, later: ReadonlySet<string>): Labelled {
  const left = sumOut(a, new Set([...b.labels, ...later]));
  const right = sumOut(b, new Set([...a.labels, ...later]));
  const both = left.labels.filter((label) => right.labels.includes(label));
  const batch = both.filter((label) => later.has(label));
  const shared = both.filter((label) => !later.has(label));

  const ownLeft = left.labels.filter((label) => !both.includes(label));
  const ownRight = right.labels.filter((label) => !both.includes(label));
  const merge = ({ tensor, labels }: Labelled, groups: readonly (readonly string[])[]): Tensor => {
    const ordered = permute(
      tensor,
      [...batch, ...groups.flat()].map((label) => labels.indexOf(label)),
    );
    const size = (label: string): Size => tensor.shape[labels.indexOf(label)]!;
    return reshape(ordered, [...batch.map(size), ...groups.map((group) => group.map(size).reduce<Size>(mulSizes, 1))]);
  };
  const product = matmul(merge(left, [ownLeft, shared]), merge(right, [shared, ownRight]));
  const sizeOfLabel = (label: string): Size => {
    const from = left.labels.includes(label) ? left : right;
    return from.tensor.shape[from.labels.indexOf(label)]!;
  };
  const shape = [...product.shape.slice(0, -2), ...[...ownLeft, ...ownRight].map(sizeOfLabel)];
  return { tensor: reshape(product, shape), labels: [...batch, ...ownLeft, ...ownRight] };
}
