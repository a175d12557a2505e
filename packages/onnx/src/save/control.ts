/** Loops and conditionals as Scan and If, whose bodies see the values around them. */
import type { Conditional, Graph, Loop, Node } from "@ermine/core/backend";
import type { Call } from "./operators/index.js";

/** Adds a graph's nodes, of the names that its feeds have, and gives its outputs' names. */
type WriteNodes = (graph: Graph, given: ReadonlyMap<Node, string>) => readonly string[];

/** What is carried are the states, the sequences are scanned; what stays the same in all steps is seen from inside. */
export function writeLoop(loop: Loop, { builder, inputs, outputs }: Call, write: WriteNodes): readonly string[] {
  const { body, carried, sequences, length, reverse } = loop;
  const names = inputs.map((input) => input!.name);
  const scanned = names.slice(carried, carried + sequences);
  // A Scan has at least one sequence, which says how many steps there are.
  if (sequences === 0) scanned.push(builder.node("Expand", [builder.scalar(0), builder.shape([length])]));
  const perStep = [
    ...body.feeds.slice(0, carried + sequences).map(({ name, outputs: [value] }) => ({ name, dtype: value!.type.dtype })),
    ...(sequences === 0 ? [{ name: "step", dtype: "float32" as const }] : []),
  ];
  const graph = builder.body("body", perStep, (given) =>
    write(body, new Map(body.feeds.map((feed, i) => [feed, i < carried + sequences ? given[i]! : names[i]!]))),
  );
  const directions = (count: number) => Array<bigint>(count).fill(reverse ? 1n : 0n);
  const stacked = outputs.length - carried;
  return builder.add("Scan", [...names.slice(0, carried), ...scanned], {
    outputs: outputs.length,
    attributes: {
      body: graph,
      num_scan_inputs: BigInt(scanned.length),
      ...(reverse && { scan_input_directions: directions(scanned.length) }),
      ...(reverse && stacked > 0 && { scan_output_directions: directions(stacked) }),
    },
  });
}

/** Both branches see their inputs, and are given none. */
export function writeConditional(
  { branches }: Conditional,
  { builder, inputs: [condition, ...inputs], outputs }: Call,
  write: WriteNodes,
): readonly string[] {
  const [whenTrue, whenFalse] = branches.map((branch, i) =>
    builder.body(i === 0 ? "then" : "else", [], () =>
      write(branch, new Map(branch.feeds.map((feed, at) => [feed, inputs[at]!.name]))),
    ),
  );
  return builder.add("If", [condition!.name], {
    outputs: outputs.length,
    attributes: { then_branch: whenTrue!, else_branch: whenFalse! },
  });
}
