/** Plan of a step: placement of ops, memory, time and backend, before the first step is taken. */
import { Dim, type Backend } from "@ermine/core";
import type { Op } from "@ermine/core/define";
import {
  type GraphModule,
  type GraphVariable,
  bytesPerElement,
  lowerModule,
  peakBytes,
  placements,
  specialize,
} from "@ermine/core/backend";
import type { BackendChoice, Chosen } from "./choice.js";
import { backendTable, bytes, table } from "./table.js";
import type { Workload } from "./workload.js";

/** An op that a backend lacks. */
export interface LackedOp {
  /** The op's name. */
  readonly op: string;
  /** Number of occurrences in the step, and their layers. */
  readonly count: number;
  /** The paths of the layers that need it. */
  readonly layers: readonly string[];
  /** The ops that it becomes, in order; none where the host makes its numbers. */
  readonly into: readonly string[];
}

/** Execution of a step on one backend. */
export interface Arrangement {
  /** The backend's name. */
  readonly backend: string;
  /** Ops of the step as it was traced, and those that have a kernel. */
  readonly ops: number;
  /** Number of a step's ops that run as kernels of the backend. */
  readonly kernels: number;
  /** The ops for which the backend has no kernel. */
  readonly lacks: readonly LackedOp[];
}

/** In bytes. */
export interface MemoryEstimate {
  /** Bytes of the model's parameters. */
  readonly parameters: number;
  /** The optimizer's slots, sums of gradients, and counters of steps in flight. */
  readonly optimizer: number;
  /** Running means and other variables of the model. */
  readonly buffers: number;
  /** Bytes that are fed per micro-batch. */
  readonly batch: number;
  /** Computed values that are alive at once, at most. */
  readonly values: number;
  /** The sum, in bytes. */
  readonly total: number;
}

/** Plain JSON; as text it is a table. */
export class Plan {
  /** The backend that was chosen, and why. */
  readonly backend: BackendChoice;
  /** Samples in the batch that the plan is for. */
  readonly batchSize: number;
  /** Execution of the step on the chosen backend, then on the others that were opened. */
  readonly arrangements: readonly Arrangement[];
  /** Memory of a training, in bytes. */
  readonly memory: MemoryEstimate;
  /** Median of the steps that were timed on the chosen backend. */
  readonly millisecondsPerStep: number | null;

  constructor({ choice, backend, candidates }: Chosen, workload: Workload) {
    this.backend = choice;
    this.batchSize = workload.batchSize;
    this.arrangements = candidates.flatMap(({ backend: candidateBackend, problem }) =>
      candidateBackend === undefined || problem !== undefined ? [] : [arrange(workload.module, candidateBackend)],
    );
    this.memory = estimate(workload, backend);
    this.millisecondsPerStep = choice.candidates[0]!.millisecondsPerStep;
  }

  /** The plan as a table to print. */
  toString(): string {
    return planTable(this);
  }
}

function arrange(module: GraphModule, backend: Backend): Arrangement {
  const all = Object.values(module.entries).flatMap((graph) => placements(graph, backend));
  // By the op, then by what it becomes.
  const lacks = new Map<Op, Map<string, LackedOp & { count: number; layers: string[] }>>();
  for (const { node, as, into } of all) {
    if (as === "kernel") continue;
    const ofOp = lacks.get(node.op) ?? new Map<string, LackedOp & { count: number; layers: string[] }>();
    const missingOp = ofOp.get(into.join()) ?? { op: node.op.name, count: 0, layers: [], into };
    missingOp.count++;
    if (!missingOp.layers.includes(node.path)) missingOp.layers.push(node.path);
    lacks.set(node.op, ofOp.set(into.join(), missingOp));
  }
  const kernels = all.filter(({ as }) => as === "kernel").length;
  return { backend: backend.name, ops: all.length, kernels, lacks: [...lacks.values()].flatMap((ofOp) => [...ofOp.values()]) };
}

function estimate({ module, runs, batchSize }: Workload, backend: Backend): MemoryEstimate {
  const sum = (variables: readonly GraphVariable[]): number => variables.reduce((total, v) => total + bytesOf(v), 0);
  const parameters = sum(module.variables.filter(({ role }) => role === "parameter"));
  const buffers = sum(module.variables.filter(({ role }) => role === "buffer"));
  const optimizer = sum(module.variables) - parameters - buffers;
  const lowered = lowerModule(module, backend);
  const graphs = Object.values(lowered.entries).map((graph) => specialize(graph, { N: batchSize }));
  const values = Math.max(...graphs.map(peakBytes));
  const batch = Math.max(
    ...runs.map(({ entry }) =>
      module.entries[entry]!.feeds.reduce((total, node) => {
        const { shape, dtype } = node.outputs[0]!.type;
        const sizes = shape.map((size) => (size instanceof Dim ? size.evaluate({ N: batchSize }) : size));
        return total + sizes.reduce((a, b) => a * b, bytesPerElement[dtype]);
      }, 0),
    ),
  );
  return { parameters, optimizer, buffers, batch, values, total: parameters + optimizer + buffers + batch + values };
}

const bytesOf = ({ shape, type }: GraphVariable): number => shape.reduce((a, b) => a * b, bytesPerElement[type.dtype]);

function planTable({ backend, batchSize, arrangements, memory }: Plan): string {
  return [
    backendTable(backend.candidates),
    `\nBackend: ${backend.name} (${backend.engine}): ${backend.why}.`,
    ...arrangements.map(({ backend: name, ops, kernels, lacks }) => {
      const head = `\nOn ${name}: ${kernels} of the step's ${ops} ops have a kernel of their own.`;
      if (lacks.length === 0) return head;
      const rows = lacks.map(({ op, count, layers, into }) => [
        op,
        String(count),
        layers.map((layer) => (layer === "" ? "the step" : layer)).join(", "),
        into.length === 0 ? "numbers that the host feeds" : chain(into),
      ]);
      return `${head}\n${table(["Op without one", "Times", "Layers", "Becomes"], rows)}`;
    }),
    `\nMemory for batches of ${batchSize}: ${bytes(memory.total)}: parameters ${bytes(memory.parameters)}, optimizer ${bytes(memory.optimizer)}, ` +
      `buffers ${bytes(memory.buffers)}, a batch ${bytes(memory.batch)}, values alive at once ${bytes(memory.values)}.`,
  ].join("\n");
}

const maxShownFeeds = 6;
const chain = (names: readonly string[]): string =>
  names.length <= maxShownFeeds ? names.join(", ") : `${names.slice(0, maxShownFeeds).join(", ")}, … (${names.length} ops)`;
