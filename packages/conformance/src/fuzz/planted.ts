/** Backends with one fault each, which programs at random must find: the proof that they see. Never part of what is shipped to run. */
import type { Backend, TypedArray } from "@ermine/core";
import {
  type ConstantNode,
  type Graph,
  type Kernel,
  type KernelInput,
  type KernelOutput,
  type GraphVariable,
  interpret,
  StoredVariable,
} from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";

/** A fault, and a backend that has it. */
export interface PlantedFault {
  /** The fault. */
  readonly name: string;
  /** A backend with that fault. */
  create(): Backend;
}

interface HostStorage {
  readonly data: TypedArray;
}

const dataOf = (input: KernelInput | undefined): TypedArray => (input!.storage as HostStorage).data;
const stored = (storages: readonly object[]): TypedArray => (storages[0] as HostStorage).data;
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** float32 as the others have it, so that only the fault differs. */
const sound = (): Backend => reference({ precision: "float32" });

type Change = (kernel: Kernel, backend: Backend) => Kernel;

/** Kernels of some ops changed. */
const withKernels = (changes: Readonly<Record<string, Change>>): Backend => {
  const backend = sound();
  const changed = Object.entries(changes).map(([name, change]) => [name, change(backend.kernels[name]!, backend)]);
  return { ...backend, kernels: { ...backend.kernels, ...(Object.fromEntries(changed) as Record<string, Kernel>) } };
};

/** Graphs changed before they are interpreted. */
function withGraphs(change: (graph: Graph) => Graph): Backend {
  const backend = sound();
  return {
    ...backend,
    compile: (module, places) => {
      const entries = Object.fromEntries(Object.entries(module.entries).map(([name, graph]) => [name, change(graph)]));
      return interpret(backend, { ...module, entries }, places);
    },
  };
}

/** Reads the words of an int32 operand as float32. */
function asFloats(input: KernelInput): KernelInput {
  const bits = Int32Array.from(dataOf(input));
  return { ...input, storage: { data: new Float32Array(bits.buffer) } };
}

const clampedIndices: Change = (kernel) => (inputs, attributes, outputs) => {
  const [x, indices, ...rest] = inputs as readonly [KernelInput, KernelInput, ...KernelInput[]];
  const last = x.shape[attributes["axis"] as number]! - 1;
  const clamped = Int32Array.from(dataOf(indices), (value) => Math.max(0, Math.min(value, last)));
  return kernel([x, { ...indices, storage: { data: clamped } }, ...rest], attributes, outputs);
};

/** A maximum that skips NaN, as hardware's does. */
const withoutNaN: Change = (kernel) => (inputs, attributes, outputs) => {
  const replaced = inputs.map(
    (input) => input && { ...input, storage: { data: dataOf(input).map((value) => (Number.isNaN(value) ? -Infinity : value)) } },
  );
  return kernel(replaced, attributes, outputs);
};

/** Of a square the wrong axis: what a shape alone does not show. */
const swappedAxes: Change = (kernel) => (inputs, attributes, outputs) => {
  const { shape } = inputs[0]!;
  const [axis, ...more] = attributes["axes"] as readonly number[];
  const other = shape.findIndex((size, i) => i !== axis && size === shape[axis!]);
  const swap = axis !== undefined && more.length === 0 && other >= 0;
  return kernel(inputs, swap ? { ...attributes, axes: [other] } : attributes, outputs);
};

/** A line is added to the rows of a square as a column. */
const wrongBroadcast: Change = (kernel) => (inputs, attributes, outputs) => {
  const turned = inputs.map((input, i): KernelInput | undefined => {
    const other = inputs[1 - i];
    const isLine = input?.shape.length === 1 && other?.shape.length === 2 && other.shape.every((size) => size === input.shape[0]);
    return isLine ? { ...input, shape: [input.shape[0]!, 1] } : input;
  });
  return kernel(turned, attributes, outputs);
};

/** Adds to the base itself, which others may still read. */
const inPlace: Change = (kernel) => (inputs, attributes, outputs) => {
  const storages = kernel(inputs, attributes, outputs);
  dataOf(inputs[0]).set(stored(storages));
  return storages;
};

/** Rows after the last whole block of four are dropped. */
const withoutLastRow: Change = (kernel) => (inputs, attributes, outputs) => {
  const storages = kernel(inputs, attributes, outputs);
  const { shape } = outputs[0] as KernelOutput;
  const [rows, columns] = shape.slice(-2) as [number, number];
  if (rows > 4 && rows % 4 === 1) stored(storages).fill(0, count(shape) - columns);
  return storages;
};

/** An int32 sum that is added up in float32: beyond 2²⁴ it loses its last digits. */
const sumInFloat: Change = (kernel) => (inputs, attributes, outputs) => {
  const [x] = inputs as readonly [KernelInput];
  if (x.dtype !== "int32") return kernel(inputs, attributes, outputs);
  const floats = { ...x, storage: { data: Float32Array.from(dataOf(x)) } };
  const storages = kernel([floats], attributes, outputs);
  const data = stored(storages);
  data.set(data.map(Math.fround));
  return storages;
};

/** A constant of one program in the place of a later one of the same shape. */
function staleConstants(): Backend {
  const stale = new Map<string, TypedArray>();
  return withGraphs((graph) => ({
    ...graph,
    nodes: graph.nodes.map((node) => {
      if (node.kind !== "constant" || node.data === undefined) return node;
      const { shape, dtype } = node.outputs[0]!.type;
      const key = `${dtype}[${shape.join()}]`;
      const first = stale.get(key);
      if (first === undefined) stale.set(key, node.data);
      return first === undefined ? node : ({ ...node, data: first } satisfies ConstantNode);
    }),
  }));
}

const each = (names: readonly string[], change: Change): Readonly<Record<string, Change>> =>
  Object.fromEntries(names.map((name) => [name, change]));

/** Backends with a fault each: what programs at random must find. */
const typeOf = ({ shape, type: { dtype } }: GraphVariable): KernelOutput => ({ shape, dtype });

/** Programs over one variable that have its elements each for itself once the second of them is compiled. */
function unsharedVariables(): Backend {
  const backend = sound();
  const visited = new WeakSet<object>();
  return {
    ...backend,
    compile: (module, places) =>
      interpret(
        backend,
        module,
        places.map((place, i) => {
          if (!visited.has(place)) return (visited.add(place), place);
          return new StoredVariable(backend, typeOf(module.variables[i]!), place.snapshot());
        }),
      ),
  };
}

/** The faults, by name; each has a backend that makes it. */
export const plantedFaults: readonly PlantedFault[] = [
  {
    name: "an int32 read as float32",
    create: () =>
      withKernels(
        each(
          ["cast"],
          (kernel) => (inputs, attributes, outputs) =>
            kernel([inputs[0]!.dtype === "int32" ? asFloats(inputs[0]!) : inputs[0]], attributes, outputs),
        ),
      ),
  },
  { name: "a clamped index", create: () => withKernels(each(["indexSelect", "gather"], clampedIndices)) },
  { name: "a lost NaN", create: () => withKernels(each(["max", "maximum"], withoutNaN)) },
  { name: "swapped axes of a reduction", create: () => withKernels(each(["sum"], swappedAxes)) },
  {
    name: "a wrong commit",
    create: () => withGraphs(({ commit: _, ...graph }) => ({ ...graph, commit: undefined })),
  },
  { name: "a variable that two programs do not share", create: unsharedVariables },
  { name: "a stale constant", create: staleConstants },
  { name: "a broadcast along the wrong axis", create: () => withKernels(each(["add"], wrongBroadcast)) },
  { name: "an aliasing in-place update", create: () => withKernels(each(["indexAdd", "scatterAdd"], inPlace)) },
  { name: "a dropped last row", create: () => withKernels(each(["matmul"], withoutLastRow)) },
  { name: "a sum in the wrong dtype", create: () => withKernels(each(["sum"], sumInFloat)) },
];
