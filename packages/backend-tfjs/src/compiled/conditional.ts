/** A conditional as TensorFlow's Switch and Merge. */
import type { DType } from "@ermine/core";
import type { ConditionalNode, Graph, Node, Value } from "@ermine/core/backend";
import type { Handle, Operand } from "../lowering/emitter.js";
import type { GraphEmitter } from "./emitter.js";
import { token } from "./sharedNodes.js";

/** The part of a graph that a conditional is written in. */
interface Surroundings {
  readonly prefix: string;
  readonly emitter: GraphEmitter;
  readonly values: Map<Value, Operand>;
  /** Writes a branch's nodes. Gives the nodes by which all that looks up by index has gone well. */
  translateNodes(nodes: readonly Node[]): readonly string[];
}

/** A branch that was written. */
interface Side {
  readonly checked: readonly string[];
  /** Which output of a Switch it is. */
  readonly side: number;
  readonly results: readonly Operand[];
}

/**
 * Both branches over what a Switch lets through to one of them, and a Merge of what comes out of that one. Constants go past the Switch, and what a branch computes of
 * them alone runs anyway: where it puts that out, it waits for the branch. (TensorFlow's graph optimizer loses values where a Switch has a constant.)
 *
 * @returns the nodes by which all that looks up by index in the branch that runs has gone well
 */
export function translateConditional(
  { emitter, values, prefix, translateNodes }: Surroundings,
  { op, inputs: [condition, ...inputs], outputs }: ConditionalNode,
): readonly string[] {
  const holds = values.get(condition!)!;
  const name = `${prefix}/conditional${emitter.nodes.length}`;
  const write = (branch: Graph, side: 0 | 1): Side => {
    const given = new Set<Handle>();
    branch.feeds.forEach((feed, i) => {
      const x = values.get(inputs[i]!)!;
      const isFixed = emitter.isConstant(emitter.handle(x));
      const through = isFixed ? x : emitter.op("Switch", [x, holds], { T: { type: x.dtype } }, [x, x])[side]!;
      if (!isFixed) given.add(through.handle);
      values.set(feed.outputs[0]!, through);
    });
    const checked = translateNodes(branch.nodes);
    const isGated = dependence(emitter, given);
    const results = branch.outputs.map((value): Operand => {
      const { shape, dtype } = value.type;
      const handle = emitter.handle(values.get(value)!);
      return { handle: isGated(handle) ? handle : waiting(handle, dtype, side), shape, dtype };
    });
    return { checked, side, results };
  };
  const pivots: (string | undefined)[] = [undefined, undefined];
  const waiting = (handle: string, dtype: DType, side: 0 | 1): string => {
    if (pivots[side] === undefined) {
      const T = { type: "bool" } as const;
      const condition = emitter.handle(holds);
      const branch = emitter.node(`${name}/pivot${side}`, "Switch", [condition, condition], { T });
      pivots[side] = emitter.node(`${name}/runs${side}`, "Identity", [side === 0 ? branch : `${branch}:1`], { T });
    }
    return emitter.node(`${name}/${emitter.nodes.length}`, "Identity", [handle, `^${pivots[side]}`], { T: { type: dtype } });
  };
  const [first, second] = op.conditional.branches;
  const [whenTrue, whenFalse] = [write(first, 1), write(second, 0)];
  outputs.forEach((value, i) => {
    const { shape, dtype } = value.type;
    const attributes = { T: { type: dtype }, N: { int: 2 } } as const;
    const types = [
      { shape, dtype },
      { shape: [], dtype: "int32" as const },
    ];
    values.set(value, emitter.op("Merge", [whenFalse.results[i]!, whenTrue.results[i]!], attributes, types)[0]!);
  });
  if (whenTrue.checked.length + whenFalse.checked.length === 0) return [];
  const T = { type: "int32" } as const;
  const branch = emitter.node(`${name}/branch`, "Switch", [token, emitter.handle(holds)], { T });
  const ends = [whenFalse, whenTrue].map(({ checked, side }) =>
    emitter.node(`${name}/end${side}`, "Identity", [side === 0 ? branch : `${branch}:1`, ...checked.map((each) => `^${each}`)], {
      T,
    }),
  );
  return [emitter.node(`${name}/checked`, "Merge", ends, { T, N: { int: 2 } })];
}

/** Is a value computed from one of these? */
function dependence({ nodes }: GraphEmitter, from: ReadonlySet<Handle>): (handle: string) => boolean {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const answers = new Map<string, boolean>();
  const depends = (handle: string): boolean => {
    let answer = answers.get(handle);
    if (answer === undefined) {
      answer = from.has(handle) || (byName.get(nodeOf(handle))?.inputs.some(depends) ?? false);
      answers.set(handle, answer);
    }
    return answer;
  };
  return depends;
}

const nodeOf = (handle: string): string => handle.split(":")[0]!;
