/** `valueAndGrad`, `grad` and their kin: gradients as values, no state. */
import { context } from "../dispatch/context.js";
import { scope } from "../dispatch/scope.js";
import { Tape } from "../dispatch/tape.js";
import { withTape } from "../dispatch/tapes.js";
import { Variable, withRecording } from "../dispatch/variable.js";
import type { GraphVariable } from "../ir/graph.js";
import { onesLike, zerosLike } from "../ops/creation.js";
import { concat } from "../ops/concat.js";
import { indexAdd } from "../ops/gather.js";
import { checkCopy } from "../types/copy.js";
import { formatShape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments, checkFunction } from "../types/arguments.js";
import { show } from "../types/options.js";
import { Tensor } from "../types/tensor.js";
import { leaves, mapTree, type Tree } from "../types/tree.js";
import { keyOf } from "../types/views.js";
import { backpropagate, type Lookup } from "./backpropagate.js";
import type { RowGradient } from "./rowGradient.js";
import { gradientRules } from "./rules/index.js";

/** Where `Source` has a Variable or a Tensor, the gradient's tree has a Tensor. */
export type GradientsOf<S> = S extends Tensor | Variable
  ? Tensor<"real">
  : S extends readonly (infer E)[]
    ? number extends S["length"]
      ? GradientsOf<E>[]
      : { [K in keyof S]: GradientsOf<S[K]> }
    : { [K in keyof S]: GradientsOf<S[K]> };

/** A value and its gradients. */
export interface ValueAndGrads<S, V = Tensor> {
  /** The value that the function returned. */
  readonly value: V;
  /** The same tree as the sources; zeros where the value does not depend on one. */
  readonly grads: GradientsOf<S>;
}

/**
 * Runs `fn` and differentiates its scalar result with respect to `sources`: a tree (arrays, objects) of parameters and tensors.
 *
 * fn may return the scalar, or `[scalar, auxiliary]`; `value` is what it returned.
 *
 * @example
 * const { value, grads } = valueAndGrad(() => crossEntropy(model.forward(x), y), [...model.parameters()]);
 * value.shape; // => []
 * grads.length; // => 4
 * @throws ErmineError ERMINE_SHAPE where the result is not a scalar, ERMINE_USAGE where fn is async
 */
export function valueAndGrad<S, V extends Tensor | readonly [Tensor, ...unknown[]]>(
  fn: () => V,
  sources: S,
): ValueAndGrads<S, V> {
  checkFunction("valueAndGrad", fn, "valueAndGrad(() => loss(…), parameters)");
  if (arguments.length > 2) checkArguments("valueAndGrad", arguments, 2);
  checkSources(sources);
  const body = (): ValueAndGrads<S, V> => differentiate(fn, sources);
  return context.trace === undefined ? scope(body) : body();
}

const noSource = (value: unknown): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `valueAndGrad differentiates with respect to parameters and tensors, got ${show(value)}: pass model.parameters(), or a tree of tensors.`,
  );

/** In a tree what is left out is no leaf; at its root it is nothing to differentiate by. */
function checkSources(sources: unknown): void {
  if (sources === undefined || sources === null) throw noSource(sources);
}

/** @internal What running a function under a tape leaves: its result, and the tape to walk back. */
export interface Recording<V> {
  readonly value: V;
  readonly tape: Tape;
  /** The tensor that stands for each source. */
  readonly watched: ReadonlyMap<unknown, Tensor>;
}

/** @internal Runs fn with a tape that watches the leaves of `sources`. */
export function record<V>(fn: () => V, sources: unknown): Recording<V> {
  const tape = new Tape(gradientRules);
  const variables = new Map<GraphVariable, Tensor | undefined>();
  const watched = new Map<unknown, Tensor>();
  for (const source of leaves(sources)) {
    checkCopy("valueAndGrad", source);
    if (!(source instanceof Variable) && !(source instanceof Tensor)) {
      throw noSource(source);
    }
    const t: Tensor = source instanceof Variable ? source.value : source;
    if (t.dtype !== "float32") {
      throw new ErmineError(
        "ERMINE_DTYPE",
        `Only float32 has gradients, got ${t.dtype}${formatShape(t.shape)}. Cast it outside.`,
      );
    }
    if (source instanceof Variable) variables.set(source, t);
    watched.set(source, t);
    tape.watched.add(keyOf(t));
    tape.held.add(t.state);
  }
  const value = withTape(tape, () => withRecording(variables, fn));
  if (value instanceof Promise)
    throw new ErmineError("ERMINE_USAGE", "The function of valueAndGrad cannot be async: await outside of it.");
  return { value, tape, watched };
}

/** @internal Gradients of Σ output · gradOutput for each source that was watched; zeros where none flows. */
export function pullBack({ tape, watched }: Recording<unknown>, output: Tensor, gradOutput: Tensor): Map<unknown, Tensor> {
  const gradients = backpropagate(tape, [[output, gradOutput]], [...watched.values()]);
  return new Map([...watched].map(([source, t], i) => [source, gradients[i] ?? zerosLike(t)]));
}

function differentiate<S, V extends Tensor | readonly [Tensor, ...unknown[]]>(fn: () => V, sources: S): ValueAndGrads<S, V> {
  const recording = record(fn, sources);
  const output = checkedScalar(recording.value);
  const gradients = pullBack(recording, output, onesLike(output));
  return {
    value: recording.value,
    grads: mapTree(sources as Tree<unknown>, (source) => gradients.get(source)!) as GradientsOf<S>,
  };
}

/** The scalar that is differentiated. @throws ErmineError where it is no float32 scalar */
function checkedScalar(value: Tensor | readonly [Tensor, ...unknown[]]): Tensor {
  const output = Array.isArray(value) ? (value[0] as Tensor) : (value as Tensor);
  checkCopy("valueAndGrad", output);
  if (!(output instanceof Tensor) || output.rank !== 0) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `valueAndGrad needs a function that returns a scalar, got ${output instanceof Tensor ? formatShape(output.shape) : typeof output}. ` +
        "Use mean() or sum() of it, or jacobian().",
    );
  }
  if (output.dtype !== "float32")
    throw new ErmineError("ERMINE_DTYPE", `valueAndGrad needs a float32 scalar, got ${output.dtype}.`);
  return output;
}

/**
 * As `valueAndGrad`, but the gradient of a table [size, d] that `byRows` names, and in which was only looked up, is its rows; and a source on which
 * the value does not depend has no gradient, as PyTorch's None, where `valueAndGrad` has zeros.
 *
 * A table that the value depends on in another way too has its whole gradient.
 */
export function valueAndRowGrads<V extends readonly [Tensor, ...unknown[]]>(
  fn: () => V,
  sources: readonly Variable[],
  byRows: (source: Variable) => boolean,
): { readonly value: V; readonly grads: readonly (Tensor | RowGradient | undefined)[] } {
  if (arguments.length > 3) checkArguments("valueAndRowGrads", arguments, 3);
  const signature = "valueAndRowGrads(fn, sources, byRows)";
  checkArgument(signature, "fn", fn, "function");
  checkArgument(signature, "sources", sources, "list");
  checkArgument(signature, "byRows", byRows, "function");
  const body = (): { value: V; grads: (Tensor | RowGradient | undefined)[] } => {
    const recording = record(fn, sources);
    const output = checkedScalar(recording.value);
    const watched = sources.map((source) => recording.watched.get(source)!);
    const lookups = new Map<Tensor, Lookup[]>(
      sources.flatMap((source, i) => (byRows(source) ? [[keyOf(watched[i]!), []] as const] : [])),
    );
    const denseGrads = backpropagate(recording.tape, [[output, onesLike(output)]], watched, { lookups });
    const grads = denseGrads.map((dense, i) => {
      const rowGrads = lookups.get(keyOf(watched[i]!)) ?? [];
      if (rowGrads.length === 0) return dense;
      const rows = { ...joined(rowGrads), size: watched[i]!.shape[0] as number };
      return dense === undefined ? rows : indexAdd(dense, 0, rows.indices, rows.rows);
    });
    return { value: recording.value, grads };
  };
  return context.trace === undefined ? scope(body) : body();
}

const joined = (lookups: readonly Lookup[]): Lookup =>
  lookups.length === 1
    ? lookups[0]!
    : { indices: concat(lookups.map(({ indices }) => indices)), rows: concat(lookups.map(({ rows }) => rows)) };

/**
 * The gradient function of a scalar function, with respect to its first argument (a tensor or a tree of them).
 *
 * @example
 * const cube = (x: Tensor) => sum(mul(mul(x, x), x));
 * grad(cube)(tensor([1, 2])); // => [3, 12]
 * grad((x) => sum(grad(cube)(x)))(tensor([1, 2])); // => [6, 12]
 */
export function grad<S = Tensor, R extends readonly unknown[] = Tensor[]>(
  fn: (source: S, ...rest: R) => Tensor,
): (source: S, ...rest: R) => GradientsOf<S> {
  checkFunction("grad", fn, "grad((x) => f(x))(x)");
  if (arguments.length > 1) checkArguments("grad", arguments, 1);
  return (source, ...rest) => valueAndGrad(() => fn(source, ...rest), source).grads;
}
