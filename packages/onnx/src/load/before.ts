/** The part of a model before a node: what a new head is put on. */
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import type { ModelProto, ValueInfoProto } from "../proto/messages.js";
import type { PlannedNode } from "./plan.js";

/** What a model is before a node. */
export interface Part {
  readonly nodes: readonly PlannedNode[];
  /** The value that the node takes. */
  readonly output: string;
  /** The names that the nodes take. */
  readonly used: ReadonlySet<string>;
}

/**
 * The nodes that the first computed input of a node depends on.
 *
 * @param name of the node, of a value that it makes, or a parameter's name or its beginning ("fc" of "fc.weight"), whose first node it is
 * @param constants names that are no computed values: constants, parameters and inputs that say sizes
 * @throws ErmineError ERMINE_USAGE where there is no such node, with the nearest names; where it takes nothing that is computed
 */
export function partBefore(nodes: readonly PlannedNode[], name: string, constants: ReadonlySet<string>): Part {
  const node = named(nodes, name, constants);
  const output = node.inputs.find((input) => input !== "" && !constants.has(input));
  if (output === undefined)
    throw new ErmineError("ERMINE_USAGE", `outputBefore(${JSON.stringify(name)}): ${node.label} takes nothing that is computed.`);
  const used = new Set([output]);
  const kept: PlannedNode[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (!nodes[i]!.outputs.some((value) => used.has(value))) continue;
    kept.unshift(nodes[i]!);
    for (const taken of nodes[i]!.uses) used.add(taken);
  }
  return { nodes: kept, output, used };
}

function named(nodes: readonly PlannedNode[], name: string, constants: ReadonlySet<string>): PlannedNode {
  const node =
    nodes.find((node) => node.name === name) ??
    nodes.find(({ outputs }) => name !== "" && outputs.includes(name)) ??
    nodes.find(({ uses }) => uses.some((taken) => constants.has(taken) && (taken === name || taken.startsWith(`${name}.`))));
  if (node !== undefined) return node;
  const beginnings = [...constants].flatMap((constant) =>
    constant.split(".").map((_, i, parts) => parts.slice(0, i + 1).join(".")),
  );
  const allNames = [
    ...new Set([...nodes.map((node) => node.name), ...beginnings, ...nodes.flatMap(({ outputs }) => outputs)]),
  ].filter((each) => each !== "");
  const near = nearestName(name, allNames);
  throw new ErmineError(
    "ERMINE_USAGE",
    `outputBefore: no node, value or parameter is called ${JSON.stringify(name)}.${near === undefined ? ` There are ${allNames.slice(0, 8).join(", ")}, …` : ` Did you mean ${JSON.stringify(near)}?`}`,
  );
}

/** The file of that part alone. */
export function partProto(proto: ModelProto, { nodes, output, used }: Part): ModelProto {
  const graph = proto.graph!;
  const listed = (list: readonly ValueInfoProto[] | undefined): readonly ValueInfoProto[] => list ?? [];
  const said = [...listed(graph.valueInfo), ...listed(graph.input)].find(({ name }) => name === output);
  // A file says of outputs what they are; of values inside it need not.
  const declared: ValueInfoProto = said ?? { name: output, type: { tensorType: { elemType: 1 } } };
  return {
    ...proto,
    graph: {
      ...graph,
      node: nodes.map((node) => node.proto),
      initializer: (graph.initializer ?? []).filter(({ name }) => used.has(name ?? "")),
      input: listed(graph.input).filter(({ name }) => used.has(name ?? "")),
      output: [declared],
      valueInfo: listed(graph.valueInfo).filter(
        ({ name }) => name !== output && nodes.some(({ outputs }) => outputs.includes(name ?? "")),
      ),
    },
    metadataProps: (proto.metadataProps ?? []).filter(({ key }) => !["ermine.classes", "ermine.link"].includes(key ?? "")),
  };
}
