/** Which definitions the kernels of backends belong to. Backends list them by name; a name alone makes no definition theirs. */
import { checkCall } from "./arguments.js";

interface Named {
  readonly name: string;
  /** Of an op whose gradient is an op of its own. */
  readonly gradientOp?: Named;
}

/** The name under which backends list a definition's kernels. */
const bound = new WeakMap<object, string>();

function bindKernel(op: Named): void {
  bound.set(op, op.name);
  if (op.gradientOp !== undefined) bound.set(op.gradientOp, op.gradientOp.name);
}

/** Core's own definitions. */
const builtin = new WeakMap<object, string>();

/** @internal Binds the kernels of a definition of core's own, whose gradient `autograd` finds by `builtinName`. */
export function bindBuiltin(op: Named): void {
  bindKernel(op);
  builtin.set(op, op.name);
}

/** The name of a definition of core's own; undefined for all others, whatever they are called. */
export const builtinName = (op: { readonly name: string }): string | undefined => builtin.get(op);

/**
 * Binds the kernels that backends list under `op.name` to this definition, and those under `<name>Gradient` to its backward op where it has
 * one: to the objects themselves, not to copies and not to others of these names. A definition that is not bound is decomposed on every
 * backend, whatever it is called. Core binds its own; whoever writes an op together with a kernel for it binds that one.
 *
 * @returns the op
 */
/* @__NO_SIDE_EFFECTS__ */
export function bindKernels<O extends Named>(op: O): O {
  checkCall("bindKernels(op)", arguments);
  bindKernel(op);
  return op;
}

/**
 * Binds a definition to kernels that a backend lists under another name than the definition's, for backends that take lowerings of others: two
 * packages may each have a "snake". A definition that is bound already keeps its name.
 *
 * @param listed the name for a definition that has none
 * @returns the name under which the backend is to list its kernel
 */
export function bindKernelAs(op: Named, listed: () => string): string {
  checkCall("bindKernelAs(op, listed)", arguments);
  let name = bound.get(op);
  if (name === undefined) bound.set(op, (name = listed()));
  return name;
}

/** The name under which backends list the definition's kernels; undefined where no kernel is this definition's. */
export function kernelName(op: { readonly name: string }): string | undefined {
  const name = bound.get(op);
  // What is bound is a definition.
  if (name === undefined || arguments.length > 1) checkCall("kernelName(op)", arguments);
  return name;
}
