/** A call: a definition with options and a way to make its inputs. Every law is about calls, and says nothing of definitions. */
import {
  add,
  compile,
  mul,
  scope,
  sum,
  tensor,
  Tensor,
  valueAndGrad,
  withBackend,
  type Backend,
  type TypedArray,
} from "@ermine/core";
import type { Draw } from "@ermine/core/define";
import { release, runOn, type Mode } from "../golden/kind.js";
import { draw } from "./draw.js";

/** A call of a definition with inputs to try it on. */
export interface Call {
  /** "softplus (beta 2)". */
  readonly name: string;
  /** Inputs whose numbers grow with `size`; on the host, so that every backend starts from the same. */
  inputs(size: number, draw: Draw): readonly Tensor[];
  /** The call, as a function of the inputs. */
  run(...inputs: readonly Tensor[]): Tensor | readonly Tensor[];
  /** The largest size that is worth its time. */
  readonly largest: number;
  /** Has it a meaning in simpler ops, which a kernel can be compared with? */
  readonly composed: boolean;
  /**
   * May what is not finite reach results that it has no part in? Kernels of windows multiply the zeros of padding, and 0 · NaN and 0 · ∞ are NaN.
   */
  readonly spreads?: boolean;
  /** Is it a function of each number of its one input by itself? */
  readonly pointwise?: boolean;
  /** Which inputs are indices, and of how long an axis: they are in least … size − 1. Least is 0 where it is not said. */
  readonly indices?: readonly IndexInput[];
  /** Which inputs have the slope of the value as their gradient; default: all of float32. */
  readonly differentiable?: readonly number[];
}

/** An input of indices: they are in least … size − 1, least 0 where it is not said. */
export interface IndexInput {
  readonly input: number;
  readonly size: number;
  readonly least?: number;
}

/** The outputs, and the gradients of the float32 inputs (of a sum of all float32 outputs with fixed weights). */
export interface Results {
  readonly outputs: readonly Tensor[];
  readonly gradients: readonly Tensor[];
}

/** Results that were read. */
export interface Numbers {
  /** "output 0", "gradient 1". */
  readonly what: string;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** No weight is like another, so that no mistake is lost in a symmetry. */
function weigh(t: Tensor): Tensor {
  const weights = Float32Array.from({ length: t.size }, (_, i) => 1 + 0.5 * Math.sin(1 + i));
  return sum(mul(t, tensor(weights, { shape: t.shape as readonly number[] })));
}

/** The results of the call, always as a list. */
export function outputsOf(call: Call, inputs: readonly Tensor[]): readonly Tensor[] {
  const result = call.run(...inputs);
  return result instanceof Tensor ? [result] : result;
}

/** One number that depends on all float32 outputs; undefined where there is none. */
export function objective(outputs: readonly Tensor[]): Tensor | undefined {
  const floats = outputs.filter((t) => t.dtype === "float32").map(weigh);
  return floats.length === 0 ? undefined : floats.reduce(add);
}

/** The call and its gradients. */
export function evaluate(call: Call, ...inputs: readonly Tensor[]): Results {
  const sources = inputs.filter((t) => t.dtype === "float32");
  if (sources.length === 0) return { outputs: outputsOf(call, inputs), gradients: [] };
  const { value, grads } = valueAndGrad(() => {
    const outputs = outputsOf(call, inputs);
    return [objective(outputs) ?? tensor(0), outputs] as const;
  }, sources);
  return { outputs: value[1], gradients: grads as readonly Tensor[] };
}

/** Runs the call on a backend, eagerly or compiled, reads what it gives and frees all. The same seed gives the same inputs. */
export async function run(call: Call, backend: Backend, mode: Mode, size: number, seed: number): Promise<readonly Numbers[]> {
  const inputs = call.inputs(size, draw(seed));
  try {
    const results = runOn({ backend, mode }, (...args: Tensor[]) => evaluate(call, ...args), ...inputs);
    try {
      return await readAll(results);
    } finally {
      release(results);
    }
  } finally {
    release(inputs);
  }
}

/** The call in one mode on a backend, compiled once. */
export interface Runner {
  run(inputs: readonly Tensor[]): Promise<readonly Numbers[]>;
  dispose(): void;
}

export function runnerOf(call: Call, backend: Backend, mode: Mode): Runner {
  const body = (...args: readonly Tensor[]): Results => evaluate(call, ...args);
  const compiled = mode === "compiled" ? compile(body, { backend }) : undefined;
  return {
    async run(inputs) {
      const results = withBackend(backend, () => (compiled === undefined ? scope(() => body(...inputs)) : compiled(...inputs)));
      try {
        return await readAll(results);
      } finally {
        // A function may give back what it was given.
        release(...results.outputs.filter((t) => !inputs.includes(t)), ...results.gradients);
      }
    },
    dispose: () => compiled?.dispose(),
  };
}

async function readAll({ outputs, gradients }: Results): Promise<readonly Numbers[]> {
  const read = async (label: string, t: Tensor): Promise<Numbers> => ({
    what: label,
    shape: t.shape as readonly number[],
    data: await t.data(),
  });
  return [
    ...(await Promise.all(outputs.map((t, i) => read(`output ${i}`, t)))),
    ...(await Promise.all(gradients.map((t, i) => read(`gradient ${i}`, t)))),
  ];
}
