/** Trees of tensors as lists, for functions whose arguments and results are trees. */
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import { Tensor } from "../types/tensor.js";
import { mapTree, type Tree } from "../types/tree.js";

/** The tensors of a tree in their order, and the tree of others in their place. */
export interface Flat {
  readonly tensors: readonly Tensor[];
  readonly paths: readonly string[];
  rebuild(tensors: readonly Tensor[]): unknown;
}

/**
 * @param caller the function, for messages
 * @param label the argument or result that the tree is
 * @throws ErmineError ERMINE_VALUE where a leaf is not a tensor
 */
export function flat(caller: string, label: string, tree: unknown): Flat {
  const tensors: Tensor[] = [];
  const paths: string[] = [];
  const places = mapTree(tree as Tree<unknown>, (leaf, path) => {
    if (leaf === undefined || leaf === null) return leaf;
    checkCopy(caller, leaf);
    if (!(leaf instanceof Tensor)) {
      throw new ErmineError(
        "ERMINE_VALUE",
        `${caller}: ${label} is a tree of tensors (arrays and plain objects of them), and ${path === "" ? "it" : `its ${path}`} is ${show(leaf)}. ` +
          "Use scalar(…) or tensor(…) to make a tensor.",
      );
    }
    paths.push(path);
    return new Leaf(tensors.push(leaf) - 1);
  });
  const rebuild = (others: readonly Tensor[]): unknown =>
    mapTree(places as Tree<unknown>, (leaf) => (leaf instanceof Leaf ? others[leaf.index]! : leaf));
  return { tensors, paths, rebuild };
}

/** The paths of a tree's tensors in words. */
export const listOf = ({ paths }: Flat): string =>
  paths.length === 0 ? "nothing" : paths.map((path) => (path === "" ? "one tensor" : path)).join(", ");

/** Where a tensor was. A class, so that trees take it for a leaf. */
class Leaf {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}
