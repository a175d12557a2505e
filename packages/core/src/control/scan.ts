/** Loops over the steps of sequences. */
import { formatShape, sameShape, sameSize, type Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments, checkFunction } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { typeOf } from "../types/tensor.js";
import { BodyTrace } from "./body.js";
import { flat, listOf, type Flat } from "./flat.js";
import { listeningRules } from "./kept.js";
import { runLoop } from "./run.js";

/** The options of `scan`. */
export interface ScanOptions {
  /** From the last step to the first; what is stacked stays where its step is in `xs`. Default false. */
  readonly reverse?: boolean;
  /** How many steps, a whole number ≥ 0. Default: the first size of the tensors in `xs`, which it must be where there are any. */
  readonly length?: number;
}

/**
 * Calls `body` once for each step, passes on the carry that it returns, and stacks its outputs:
 * `(carry, xs[0]) → (carry, y[0])`, `(carry, xs[1]) → (carry, y[1])`, …
 *
 * `carry`, `xs` and `y` are trees of tensors (arrays and plain objects). `xs` has the steps along its first axis, and so has what is stacked. The carry
 * keeps its shapes and dtypes from step to step. The body is a pure function that is called once, to be traced: it may read tensors and variables from
 * outside, may draw random numbers (dropout; each step has its own), and writes no variable. `undefined` stands for no `xs` (with `length`) and for no `y`.
 *
 * A compiled program has a loop in the place of the steps where the backend has loops (cpu, reference); others write out at most 512 steps. The gradient is a loop
 * from the last step to the first over what the steps have kept, and weights that a step multiplies get theirs from one product over all steps. It can be
 * differentiated again.
 *
 * @param body gets the carry and one step of `xs`, and gives [the next carry, one step of y]
 * @param carry before the first step
 * @param xs the sequences, each [steps, …]; undefined: none
 * @returns [the carry after the last step, y of all steps]
 * @throws ErmineError ERMINE_SHAPE where sequences have different lengths or the carry changes its shape, ERMINE_DTYPE where it changes its dtype,
 * ERMINE_USAGE where the body writes a variable or gives something else than two results, ERMINE_UNSUPPORTED, from a compiled program, for a longer
 * loop than the backend takes
 * @example
 * // running sums
 * const [total, sums] = scan((sum, x) => [add(sum, x), add(sum, x)], scalar(0), tensor([1, 2, 3]));
 * total.item(); // => 6
 * sums; // => [1, 3, 6]
 */
export function scan<C, X, Y>(
  body: (carry: C, x: X) => readonly [carry: C, y: Y],
  carry: C,
  xs: X,
  options: ScanOptions = {},
): [carry: C, ys: Y] {
  checkFunction("scan", body, "scan((carry, x) => [next, y], carry, xs)");
  if (arguments.length > 4) checkArguments("scan", arguments, 4);
  checkOptions("scan", options, { reverse: "boolean", length: "number" }, ["body", "carry", "xs"]);
  const { reverse = false } = options;
  const start = flat("scan", "the carry", carry);
  const sequences = flat("scan", "xs", xs);
  const trace = new BodyTrace({ length: lengthOf(sequences, options.length), rules: listeningRules() });
  let last: Flat | undefined;
  let each: Flat | undefined;
  trace.step(() => {
    const carried = start.tensors.map((t) => trace.carry({ ...typeOf(t), domain: "real" }, t));
    const steps = sequences.tensors.map((t) => trace.sequence({ ...typeOf(t), shape: t.shape.slice(1) }, t));
    for (const t of carried) if (t.dtype === "float32") trace.follow(t);
    for (const { feed, outer } of trace.sequences) if (trace.isFollowed(outer)) trace.follow(feed);
    const result: unknown = body(start.rebuild(carried) as C, sequences.rebuild(steps) as X);
    if (result instanceof Promise) throw new ErmineError("ERMINE_USAGE", "scan: the body cannot be async: await outside of it.");
    if (!Array.isArray(result) || result.length !== 2) {
      throw new ErmineError(
        "ERMINE_USAGE",
        `scan: the body gives [the next carry, y], got ${Array.isArray(result) ? `${result.length} results` : show(result)}. ` +
          "Where nothing is stacked y is undefined: (carry, x) => [next, undefined].",
      );
    }
    last = flat("scan", "the next carry", result[0]);
    each = flat("scan", "y", result[1]);
  });
  checkCarry(start, last!);
  const { carry: ended, stacked } = runLoop({ trace, next: last!.tensors, outputs: each!.tensors, reverse });
  return [start.rebuild(ended) as C, each!.rebuild(stacked) as Y];
}

/** @throws ErmineError ERMINE_SHAPE where sequences have no or different lengths, ERMINE_OPTION where there is none */
function lengthOf({ tensors, paths }: Flat, statedLength: number | undefined): Size {
  if (statedLength !== undefined && !(Number.isInteger(statedLength) && statedLength >= 0))
    throw new ErmineError("ERMINE_OPTION", `scan: length is a whole number ≥ 0, got ${show(statedLength)}.`);
  const name = (i: number): string => (paths[i] === "" ? "xs" : `xs.${paths[i]}`);
  const flatOne = tensors.findIndex((t) => t.rank === 0);
  if (flatOne >= 0)
    throw new ErmineError(
      "ERMINE_SHAPE",
      `scan: ${name(flatOne)} has no axis for the steps. What is the same in all steps is read from outside of the body.`,
    );
  const length = statedLength ?? tensors[0]?.shape[0];
  if (length === undefined)
    throw new ErmineError("ERMINE_OPTION", "scan: there are no xs to say how many steps there are: give { length }.");
  const other = tensors.findIndex((t) => !sameSize(t.shape[0]!, length));
  if (other < 0) return length;
  const expected = statedLength === undefined ? `${name(0)} has ${String(length)}` : `length is ${statedLength}`;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `scan: ${name(other)} ${formatShape(tensors[other]!.shape)} has ${String(tensors[other]!.shape[0])} steps, and ${expected}. All sequences have the same length.`,
  );
}

/** @throws ErmineError where a step returns a carry of another form than it got */
function checkCarry(start: Flat, next: Flat): void {
  const name = (path: string): string => (path === "" ? "the carry" : `the carry's ${path}`);
  if (start.paths.join("\n") !== next.paths.join("\n")) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `scan: the body hands on ${listOf(next)}, and the carry is ${listOf(start)}. It must keep its form.`,
    );
  }
  start.tensors.forEach((t, i) => {
    const after = next.tensors[i]!;
    if (!sameShape(t.shape, after.shape)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `scan: ${name(start.paths[i]!)} is ${formatShape(t.shape)} before a step and ${formatShape(after.shape)} after it. It must keep its shape.`,
      );
    }
    if (t.dtype !== after.dtype) {
      throw new ErmineError(
        "ERMINE_DTYPE",
        `scan: ${name(start.paths[i]!)} is ${t.dtype} before a step and ${after.dtype} after it. It must keep its dtype: cast one of the two.`,
      );
    }
  });
}
