/**
 * Runs without a TensorFlow graph, for graphs with values that have no elements: TensorFlow's graph optimizer divides by their sizes and
 * ends the process, and some of its kernels refuse them. The graph is lowered for its sizes as they are and interpreted on the
 * eager kernels.
 */
import type { Backend } from "@ermine/core";
import type { Bindings } from "@ermine/core/define";
import {
  type Feeds,
  type GraphModule,
  type Storage,
  interpret,
  lowerModule,
  specialize,
  StoredVariable,
} from "@ermine/core/backend";
import type { TfVariable } from "./variable.js";

/** Runs an entry of `module` and writes the variables that it updates. */
export function runOpByOp(
  backend: Backend,
  { variables, entries }: GraphModule,
  entry: string,
  feeds: Feeds,
  bindings: Bindings,
  places: readonly TfVariable[],
): readonly Storage[] {
  const graph = specialize(entries[entry]!, bindings);
  const used = new Set(graph.updates.map(({ variable }) => variable));
  for (const node of graph.nodes) if (node.kind === "variable") used.add(node.variable);
  const copies: StoredVariable[] = [];
  let dispose: (() => void) | undefined;
  try {
    for (const [i, place] of places.entries()) {
      const { shape, dtype } = place;
      const type = { shape, dtype, domain: "real" } as const;
      copies.push(new StoredVariable(backend, type, used.has(variables[i]!) ? place.snapshot() : undefined));
    }
    const program = interpret(backend, lowerModule({ variables, entries: { [entry]: graph } }, backend), copies);
    dispose = () => program.dispose();
    const outputs = program.run(entry, feeds);
    for (const { variable } of graph.updates) {
      const i = variables.indexOf(variable);
      places[i]!.write(copies[i]!.storage);
    }
    return outputs;
  } finally {
    dispose?.();
    for (const copy of copies) copy.release();
  }
}
