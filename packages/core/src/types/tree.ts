/** Trees: tensors in arrays and plain objects, which is what batches, parameters and gradients are. */
import { checkArgument, checkArguments, checkMapped } from "./arguments.js";
import { ErmineError } from "./errors.js";

/** A leaf, or arrays and plain objects of them, nested at most 512 deep. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

const isPlain = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** Deeper than any tree that holds tensors; a tree that goes on is one that contains itself. */
const deepest = 512;

/** The depth of what a tree at `depth` holds. @throws ErmineError ERMINE_VALUE where a tree has no end */
function below(depth: number): number {
  if (depth < deepest) return depth + 1;
  throw new ErmineError(
    "ERMINE_VALUE",
    `Arrays and objects are nested more than ${deepest} deep: does one contain itself? A tree of tensors has an end.`,
  );
}

/**
 * All leaves, in order; whatever is neither an array nor a plain object is a leaf.
 *
 * @throws ErmineError ERMINE_VALUE where arrays and objects are nested more than 512 deep, which one that contains itself is
 */
export function leaves(tree: unknown): unknown[] {
  if (arguments.length > 1) checkMapped("leaves", arguments, 1);
  return leavesAt(tree, 0);
}

function leavesAt(tree: unknown, depth: number): unknown[] {
  const all = Array.isArray(tree) ? (tree as unknown[]) : isPlain(tree) ? Object.values(tree) : undefined;
  if (all === undefined) return tree === undefined || tree === null ? [] : [tree];
  const next = below(depth);
  return all.flatMap((item) => leavesAt(item, next));
}

/**
 * The same tree with other leaves.
 *
 * @throws ErmineError ERMINE_VALUE where arrays and objects are nested more than 512 deep, which one that contains itself is
 */
export function mapTree<A, B>(tree: Tree<A>, fn: (leaf: A, path: string) => B, path = ""): Tree<B> {
  if (arguments.length > 3) checkArguments("mapTree", arguments, 3);
  checkArgument("mapTree(tree, fn, path)", "fn", fn, "function");
  checkArgument("mapTree(tree, fn, path)", "path", path, "string");
  return mapTreeAt(tree, fn, path, 0);
}

function mapTreeAt<A, B>(tree: Tree<A>, fn: (leaf: A, path: string) => B, path: string, depth: number): Tree<B> {
  const at = (item: unknown, key: string | number): Tree<B> =>
    mapTreeAt(item as Tree<A>, fn, path === "" ? `${key}` : `${path}.${key}`, below(depth));
  if (Array.isArray(tree)) return tree.map(at);
  if (isPlain(tree)) return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, at(item, key)]));
  return fn(tree as A, path);
}
