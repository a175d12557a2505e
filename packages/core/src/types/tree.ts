/** Trees: tensors in arrays and plain objects, which is what batches, parameters and gradients are. */

export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

const isPlain = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** All leaves, in order; whatever is neither an array nor a plain object is a leaf. */
export function leaves(tree: unknown): unknown[] {
  if (Array.isArray(tree)) return tree.flatMap(leaves);
  if (isPlain(tree)) return Object.values(tree).flatMap(leaves);
  return tree === undefined || tree === null ? [] : [tree];
}

/** The same tree with other leaves. */
export function mapTree<A, B>(tree: Tree<A>, fn: (leaf: A, path: string) => B, path = ""): Tree<B> {
  const join = (key: string | number) => (path === "" ? `${key}` : `${path}.${key}`);
  if (Array.isArray(tree)) return tree.map((item, i) => mapTree(item as Tree<A>, fn, join(i)));
  if (isPlain(tree)) {
    return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, mapTree(v as Tree<A>, fn, join(k))]));
  }
  return fn(tree as A, path);
}
