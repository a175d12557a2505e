/** Which runs are done before another thread would have begun to help. */
import { Dim, type Shape } from "@ermine/core";
import { type Bindings, bind, concrete } from "@ermine/core/define";
import { nodesWithin, type Graph } from "@ermine/core/backend";

/** An op over so many numbers takes about as long as waking a thread and waiting for it (60 µs). */
const limit = 2 ** 18;

/** Is every value of the graph that small, with these sizes for its symbols? The answer for the last sizes is kept. */
export function smallGraphCheck(graph: Graph): (bindings: Bindings) => boolean {
  const shapes = nodesWithin(graph).flatMap((node) => node.outputs.map(({ type }) => type.shape));
  const isOpen = (shape: Shape): boolean => shape.some((size) => size instanceof Dim);
  const fits = (shape: Shape): boolean => concrete(shape).reduce((a, b) => a * b, 1) <= limit;
  if (!shapes.filter((shape) => !isOpen(shape)).every(fits)) return () => false;
  const open = shapes.filter(isOpen);
  let last: { readonly sizes: string; readonly small: boolean } | undefined;
  return (bindings) => {
    const sizes = Object.values(bindings).join();
    if (last?.sizes !== sizes) last = { sizes, small: open.every((shape) => fits(bind(shape, bindings))) };
    return last.small;
  };
}
