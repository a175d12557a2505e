/** A graph of a file made ready to run: each node with its operator or function, in an order in which every value is there before it is used. */
import { ErmineError } from "@ermine/core";
import type { AttributeProto, FunctionProto, GraphProto, NodeProto, OperatorSetIdProto } from "../proto/messages.js";
import { leastInputs } from "./arity.js";
import { Attributes } from "./attributes.js";
import type { ExternalData } from "./externalData.js";
import type { Definition, FindDefinition } from "./definition.js";
import type { Operator } from "./operators/operator.js";
import type { Registry } from "./registry.js";
import { readTensor } from "./tensors.js";
import { Value } from "./value.js";

/** What a node runs. */
export interface PlannedNode {
  /** For messages: `Conv "conv1"`. */
  readonly label: string;
  /** The node's name in the file. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  readonly opset: number;
  /** One of ONNX's own; or a function of the file. */
  readonly runs: Operator | Routine;
  /** Graphs among the attributes. */
  readonly bodies: ReadonlyMap<string, Body>;
  /** Names that it takes: its inputs, and what graphs inside of it take from around it. */
  readonly uses: readonly string[];
  /** As it stands in the file. */
  readonly proto: NodeProto;
}

/** A function of the file. */
export interface Routine {
  readonly kind: "routine";
  readonly nodes: readonly PlannedNode[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that a call may leave out. */
  readonly defaults: ReadonlyMap<string, AttributeProto>;
  /** How many operators a call runs. */
  readonly cost: number;
  /** The definition of core's that it is; undefined: none. */
  readonly definition: Definition | undefined;
}

/** A graph inside of a node, which sees what surrounds it. */
export interface Body {
  readonly nodes: readonly PlannedNode[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly constants: ReadonlyMap<string, Value>;
}

/** More operators than any model runs: functions that call functions twice each make a small file run for ever. */
const mostOperators = 1_000_000;

export const isRoutine = (runs: Operator | Routine): runs is Routine => "kind" in runs;

/** The domains that are ONNX's own. */
const standard = (domain: string | undefined): boolean => domain === undefined || domain === "" || domain === "ai.onnx";

const functionKey = (domain: string | undefined, name: string | undefined, overload: string | undefined): string =>
  JSON.stringify([standard(domain) ? "" : domain, name ?? "", overload ?? ""]);

interface Scope {
  /** The version of each domain. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Names that are there already. */
  readonly names: Set<string>;
}

/** What a planner finds operators, functions and constants in. */
export interface PlannerParts {
  readonly registry: Registry;
  readonly functions: readonly FunctionProto[];
  readonly external: ExternalData | undefined;
  readonly findDefinition: FindDefinition;
}

/** Plans graphs; what it cannot run it collects. */
export class Planner {
  readonly #registry: Registry;
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #external: ExternalData | undefined;
  readonly #findDefinition: FindDefinition;
  readonly #routines = new Map<string, Routine>();
  readonly #inProgress = new Set<string>();
  /** The nodes that use an operator that is not there, by its name. */
  readonly #unsupported = new Map<string, string[]>();

  constructor({ registry, functions, external, findDefinition }: PlannerParts) {
    this.#registry = registry;
    this.#external = external;
    this.#findDefinition = findDefinition;
    const byName = new Map<string, FunctionProto>();
    for (const proto of functions) {
      const key = functionKey(proto.domain, proto.name, proto.overload);
      if (byName.has(key)) throw new ErmineError("ERMINE_DATA", `The file has the function ${JSON.stringify(proto.name)} twice.`);
      byName.set(key, proto);
    }
    this.#functions = byName;
  }

  /** @throws ErmineError ERMINE_UNSUPPORTED that lists all operators that are not there, with the nodes that use them */
  check(): void {
    if (this.#unsupported.size === 0) return;
    const lines = [...this.#unsupported].map(([operator, nodes]) => {
      const shown = nodes.slice(0, 5).join(", ");
      return `${operator} (${shown}${nodes.length > 5 ? `, and ${nodes.length - 5} more` : ""})`;
    });
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `The model uses ${lines.length === 1 ? "an operator that ermine does not have" : `${lines.length} operators that ermine does not have`}: ${lines.join("; ")}. ` +
        "Export it with another operator set, or without them.",
    );
  }

  /** The nodes of a graph, whose names so far are `names`. */
  graph(graph: GraphProto, opsets: ReadonlyMap<string, number>, names: Set<string>): readonly PlannedNode[] {
    const nodes = this.#nodes(graph.node ?? [], { opsets, names });
    for (const { name } of graph.output ?? []) {
      if (!names.has(name ?? ""))
        throw new ErmineError("ERMINE_DATA", `No node makes the graph's output ${JSON.stringify(name ?? "")}.`);
    }
    if (this.#costOf(nodes) > mostOperators)
      throw new ErmineError(
        "ERMINE_DATA",
        `The model would run more than ${mostOperators} operators: its functions call each other too often.`,
      );
    return nodes;
  }

  #costOf(nodes: readonly PlannedNode[]): number {
    return nodes.reduce((sum, { runs, bodies }) => {
      const inside = [...bodies.values()].reduce((total, body) => total + this.#costOf(body.nodes), 0);
      return sum + 1 + inside + (isRoutine(runs) ? runs.cost : 0);
    }, 0);
  }

  #nodes(protos: readonly NodeProto[], scope: Scope): readonly PlannedNode[] {
    return ordered(protos, scope.names).map((proto) => this.#node(proto, scope));
  }

  #node(proto: NodeProto, scope: Scope): PlannedNode {
    const opType = proto.opType ?? "";
    const name = proto.name ?? "";
    const place = name === "" ? (proto.output ?? []).join(", ") : name;
    const label = `${opType} ${JSON.stringify(place)}`;
    const attributes = Attributes.of(label, proto.attribute ?? []);
    const opset = scope.opsets.get(standard(proto.domain) ? "" : proto.domain!);
    const runs = this.#runs(proto, opset, label);
    const bodies = new Map(attributes.graphs().map(([key, graph]) => [key, this.#body(graph, scope)] as const));
    return {
      label,
      name,
      inputs: proto.input ?? [],
      outputs: proto.output ?? [],
      attributes,
      opset: opset ?? 0,
      runs,
      bodies,
      uses: usesOf(proto),
      proto,
    };
  }

  #runs(proto: NodeProto, opset: number | undefined, label: string): Operator | Routine {
    const key = functionKey(proto.domain, proto.opType, proto.overload);
    if (this.#functions.has(key)) return this.#routine(key);
    const operator = standard(proto.domain) ? this.#registry.find(proto.opType ?? "", opset ?? 0) : undefined;
    if (operator !== undefined) {
      checkInputs(proto, label);
      return operator;
    }
    const missing = standard(proto.domain) ? `${proto.opType}` : `${proto.domain}.${proto.opType}`;
    const nodes = this.#unsupported.get(missing);
    if (nodes === undefined) this.#unsupported.set(missing, [label]);
    else nodes.push(label);
    return { run: () => [] };
  }

  #body(graph: GraphProto, scope: Scope): Body {
    const inputs = (graph.input ?? []).map(({ name }) => name ?? "");
    const outputs = (graph.output ?? []).map(({ name }) => name ?? "");
    const constants = new Map(
      (graph.initializer ?? []).map(
        (proto) =>
          [
            proto.name ?? "",
            constantOf(readTensor(proto, `The constant ${JSON.stringify(proto.name ?? "")}`, this.#external)),
          ] as const,
      ),
    );
    const names = new Set([...scope.names, ...inputs, ...constants.keys()]);
    const nodes = this.#nodes(graph.node ?? [], { opsets: scope.opsets, names });
    for (const name of outputs)
      if (!names.has(name))
        throw new ErmineError("ERMINE_DATA", `No node makes the output ${JSON.stringify(name)} of a graph inside of a node.`);
    return { nodes, inputs, outputs, constants };
  }

  #routine(key: string): Routine {
    const planned = this.#routines.get(key);
    if (planned !== undefined) return planned;
    const proto = this.#functions.get(key)!;
    if (this.#inProgress.has(key) || this.#inProgress.size > 100)
      throw new ErmineError(
        "ERMINE_DATA",
        `The function ${JSON.stringify(proto.name)} calls itself, or the file's functions are more than 100 deep.`,
      );
    this.#inProgress.add(key);
    try {
      const inputs = proto.input ?? [];
      const names = new Set(inputs);
      const nodes = this.#nodes(proto.node ?? [], { opsets: opsetsOf(proto.opsetImport ?? []), names });
      for (const name of proto.output ?? [])
        if (!names.has(name))
          throw new ErmineError(
            "ERMINE_DATA",
            `No node of the function ${JSON.stringify(proto.name)} makes its output ${JSON.stringify(name)}.`,
          );
      const defaults = new Map((proto.attributeProto ?? []).map((attribute) => [attribute.name ?? "", attribute] as const));
      const routine: Routine = {
        kind: "routine",
        nodes,
        inputs,
        outputs: proto.output ?? [],
        defaults,
        cost: this.#costOf(nodes),
        definition: this.#findDefinition(proto),
      };
      this.#routines.set(key, routine);
      return routine;
    } finally {
      this.#inProgress.delete(key);
    }
  }
}

/** @throws ErmineError ERMINE_DATA where the node has fewer inputs than the operator needs */
function checkInputs({ opType = "", input = [] }: NodeProto, label: string): void {
  const least = leastInputs(opType);
  if (input.length < least || input.slice(0, least).includes(""))
    throw new ErmineError(
      "ERMINE_DATA",
      `${label} takes at least ${least} inputs, and has [${input.map((name) => JSON.stringify(name)).join(", ")}].`,
    );
}

const constantOf = (host: Parameters<typeof Value.host>[0]): Value => Value.host(host, { isKept: true });

/** The version of each domain. @throws ErmineError ERMINE_UNSUPPORTED for a set of ONNX's own that is not known here */
export function opsetsOf(imports: readonly OperatorSetIdProto[]): ReadonlyMap<string, number> {
  const versions = new Map(
    imports.map(({ domain, version }) => [standard(domain) ? "" : domain!, Number(version ?? 0n)] as const),
  );
  const opset = versions.get("");
  if (opset !== undefined && !(opset >= 7 && opset <= 27))
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `The file uses ONNX's operator set ${opset}, and 7 … 27 are read. Convert it, or export it anew.`,
    );
  return versions;
}

/**
 * The nodes in an order in which each value is there before it is used; `names` gets their outputs.
 *
 * @throws ErmineError ERMINE_DATA for a cycle, a value that nothing makes, or one that two nodes make
 */
function ordered(protos: readonly NodeProto[], names: Set<string>): readonly NodeProto[] {
  const makers = new Map<string, NodeProto>();
  for (const proto of protos) {
    for (const name of proto.output ?? []) {
      if (name === "") continue;
      if (makers.has(name) || names.has(name))
        throw new ErmineError("ERMINE_DATA", `Two nodes, or a node and a constant, make ${JSON.stringify(name)}.`);
      makers.set(name, proto);
    }
  }
  const result: NodeProto[] = [];
  const states = new Map<NodeProto, "open" | "done">();
  const add = (proto: NodeProto): void => {
    states.set(proto, "done");
    result.push(proto);
    for (const name of proto.output ?? []) if (name !== "") names.add(name);
  };
  for (const start of protos) {
    if (states.has(start)) continue;
    // Depth first, by a list of what is open: a chain of nodes may be long.
    const pending = [start];
    while (pending.length > 0) {
      const proto = pending.at(-1)!;
      states.set(proto, states.get(proto) ?? "open");
      if (states.get(proto) === "done") {
        pending.pop();
        continue;
      }
      const missing = usesOf(proto).find((name) => !names.has(name));
      if (missing === undefined) {
        add(proto);
        pending.pop();
        continue;
      }
      const maker = makers.get(missing);
      if (maker === undefined)
        throw new ErmineError(
          "ERMINE_DATA",
          `Nothing makes the value ${JSON.stringify(missing)} that the node ${JSON.stringify(proto.name ?? proto.opType ?? "")} takes.`,
        );
      if (states.get(maker) === "open")
        throw new ErmineError("ERMINE_DATA", `The graph has a cycle: ${JSON.stringify(missing)} depends on itself.`);
      pending.push(maker);
    }
  }
  return result;
}

/** The names that a node takes, graphs inside of it too. */
function usesOf(proto: NodeProto): readonly string[] {
  const inside = (proto.attribute ?? []).flatMap(({ g }) => {
    if (g === undefined) return [];
    const there = new Set([
      ...(g.input ?? []).map(({ name }) => name ?? ""),
      ...(g.initializer ?? []).map(({ name }) => name ?? ""),
      ...(g.node ?? []).flatMap(({ output }) => output ?? []),
    ]);
    return [...(g.node ?? []).flatMap(usesOf), ...(g.output ?? []).map(({ name }) => name ?? "")].filter(
      (name) => !there.has(name),
    );
  });
  return [...(proto.input ?? []), ...inside].filter((name) => name !== "");
}
