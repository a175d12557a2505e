/** Which runs have values without elements. */
import { Dim, type Size } from "@ermine/core";
import { type Bindings, bind } from "@ermine/core/define";
import { nodesWithin, type Graph } from "@ermine/core/backend";

export interface Emptiness {
  /** Whatever the symbols are. */
  readonly always: boolean;
  /** With these sizes for the symbols. The answer for the last sizes is kept. */
  holds(bindings: Bindings): boolean;
}

/** Has a value of the graph no elements? A size below 0 counts as well: it is refused where the ops run one by one. */
export function emptiness(graph: Graph): Emptiness {
  const sizes = nodesWithin(graph).flatMap((node) => node.outputs.flatMap(({ type }) => type.shape));
  if (sizes.includes(0)) return { always: true, holds: () => true };
  const isOpen = (size: Size): size is Dim => size instanceof Dim;
  const open = [...new Map(sizes.filter(isOpen).map((size) => [size.toString(), size])).values()];
  let last: { readonly key: string; readonly empty: boolean } | undefined;
  return {
    always: false,
    holds(bindings) {
      const key = Object.values(bindings).join();
      if (last?.key !== key) last = { key, empty: open.some((size) => (bind<Size>(size, bindings) as number) <= 0) };
      return last.empty;
    },
  };
}
