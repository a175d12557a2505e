/**
 * Runs without a TensorFlow graph, for graphs with values that have no elements: TensorFlow's graph optimizer divides by their sizes and
 * ends the process, and some of its kernels refuse them. The graph is lowered for its sizes as they are and interpreted on the
 * eager kernels.
 */
import {
  interpret,
  lowerModule,
  specialize,
  type Backend,
  type Bindings,
  type Feeds,
  type GraphModule,
  type Storage,
} from "@ermine/core";

/** Where the variables live. */
export interface Variables {
  /** A storage of the variable's elements, which is the caller's. */
  snapshot(variable: number): Storage;
  write(variable: number, value: Storage): void;
}

/** Runs an entry of `module` and writes the variables that it updates. */
export function runOpByOp(
  backend: Backend,
  { variables, entries }: GraphModule,
  entry: string,
  feeds: Feeds,
  bindings: Bindings,
  site: Variables,
): readonly Storage[] {
  const graph = specialize(entries[entry]!, bindings);
  const program = interpret(backend, lowerModule({ variables, entries: { [entry]: graph } }, backend));
  const used = new Set(graph.updates.map(({ variable }) => variable));
  for (const node of graph.nodes) if (node.kind === "variable") used.add(node.variable);
  try {
    for (const variable of used) {
      const i = variables.indexOf(variable);
      moved(backend, site.snapshot(i), (value) => program.write(i, value));
    }
    const outputs = program.run(entry, feeds) as readonly Storage[];
    for (const { variable } of graph.updates) {
      const i = variables.indexOf(variable);
      moved(backend, program.snapshot(i), (value) => site.write(i, value));
    }
    return outputs;
  } finally {
    program.dispose();
  }
}

function moved(backend: Backend, storage: Storage, to: (storage: Storage) => void): void {
  try {
    to(storage);
  } finally {
    backend.release(storage);
  }
}
