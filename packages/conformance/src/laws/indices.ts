/**
 * The law of indices: one that is outside of its axis is an error, and never another row; and nothing is left of it. Eagerly and compiled, of
 * host numbers and of numbers that the backend computed, in a program's results and in what it only writes.
 */
import {
  add,
  cast,
  compile,
  ErmineError,
  scope,
  sum,
  tensor,
  Variable,
  withBackend,
  type Backend,
  type Tensor,
  type TypedArray,
} from "@ermine/core";
import { release } from "../golden/kind.js";
import { evaluate, outputsOf, type Call, type IndexInput } from "./call.js";
import { callsOf } from "./definitions.js";
import { draw } from "./draw.js";
import type { Law } from "./law.js";

const far = 2 ** 30;

/** The call's inputs, one index of one of them replaced. */
function inputsWith(call: Call, size: number, { input }: IndexInput, place: number, bad: number | undefined): readonly Tensor[] {
  const inputs = call.inputs(size, draw(7));
  if (bad === undefined) return inputs;
  return inputs.map((t, i) => {
    if (i !== input) return t;
    const data = Int32Array.from(t.dataSync());
    data[place] = bad;
    return tensor(data, { shape: t.shape as readonly number[] });
  });
}

const computed = (inputs: readonly Tensor[]): readonly Tensor[] => inputs.map((t) => (t.dtype === "int32" ? add(t, 0) : t));

type Results = readonly TypedArray[];

/** The call in one way of running it, made once. */
interface Runner {
  run(inputs: readonly Tensor[]): Promise<Results>;
  dispose(): void;
}

async function read(tensors: readonly Tensor[]): Promise<Results> {
  try {
    return await Promise.all(tensors.map((t) => t.data()));
  } finally {
    release(tensors);
  }
}

const all = (call: Call, inputs: readonly Tensor[]): readonly Tensor[] => {
  const { outputs, gradients } = evaluate(call, ...inputs);
  return [...outputs, ...gradients];
};

const eager = (backend: Backend, fn: (inputs: readonly Tensor[]) => readonly Tensor[]): Runner => ({
  run: async (inputs) => read(withBackend(backend, () => scope(() => fn(inputs)))),
  dispose: () => {},
});

function compiled(backend: Backend, fn: (inputs: readonly Tensor[]) => readonly Tensor[]): Runner {
  const program = compile((...args: readonly Tensor[]) => fn(args), { backend });
  return {
    run: async (inputs) => read(withBackend(backend, () => program(...inputs))),
    dispose: () => program.dispose(),
  };
}

/** Two variables, one of them written by the op, which gives no result: a refused run changes neither. */
function writtenByHand(backend: Backend, call: Call): Runner {
  const variables = [new Variable(tensor(1)), new Variable(tensor(1))] as const;
  const values = (): Promise<readonly number[]> =>
    Promise.all(variables.map(async (variable) => (await variable.data())[0] as number));
  const runner = compiled(backend, (inputs) => {
    const sums = outputsOf(call, computed(inputs)).map((t) => add(sum(t.dtype === "bool" ? cast(t, "int32") : t), 0.5));
    variables[0].value = add(variables[0].value, 1);
    variables[1].value = sums.reduce((a, b) => add(a, b));
    return [add(inputs[0]!, 0)];
  });
  return {
    async run(inputs) {
      const before = await values();
      try {
        const results = await runner.run(inputs);
        return [...results, Float32Array.of((await values())[1]!)];
      } catch (error) {
        const after = await values();
        if (after.some((value, i) => !Object.is(value, before[i]))) {
          throw new Error(`variables are ${after.join(" and ")} after a refused run, and were ${before.join(" and ")}`, {
            cause: error,
          });
        }
        throw error;
      }
    },
    dispose() {
      runner.dispose();
      release(variables.map((variable) => variable.value));
    },
  };
}

const ways: Readonly<Record<string, (backend: Backend, call: Call) => Runner>> = {
  "eager, host": (backend, call) => eager(backend, (inputs) => all(call, inputs)),
  "eager, computed": (backend, call) => eager(backend, (inputs) => all(call, computed(inputs))),
  "compiled, fed": (backend, call) => compiled(backend, (inputs) => all(call, inputs)),
  "compiled, computed": (backend, call) => compiled(backend, (inputs) => all(call, computed(inputs))),
  "compiled, written": writtenByHand,
};

const same = (a: readonly TypedArray[], b: readonly TypedArray[]): boolean =>
  a.length === b.length &&
  a.every((data, k) => data.length === b[k]!.length && data.every((value, i) => Object.is(value, b[k]![i])));

async function check(call: Call, runner: Runner, size: number, index: IndexInput): Promise<void> {
  const good = inputsWith(call, size, index, 0, undefined);
  const count = good[index.input]!.size;
  const before = await runner.run(good);
  const least = index.least ?? 0;
  for (const bad of [least - 1, index.size, far, -far]) {
    for (const place of new Set([0, count >> 1, count - 1])) {
      const inputs = inputsWith(call, size, index, place, bad);
      let results: Results | undefined;
      try {
        results = await runner.run(inputs);
      } catch (error) {
        if (!(error instanceof ErmineError) || error.code !== "ERMINE_VALUE" || !error.message.includes("the index "))
          throw error;
      } finally {
        release(inputs);
      }
      if (results === undefined) continue;
      const values = results[0]!.slice(0, 8).join(", ");
      throw new Error(`index ${place} of ${count} is ${bad}, and ${least} … ${index.size - 1} are there: it gives ${values}`);
    }
  }
  if (!same(await runner.run(good), before)) throw new Error("after refused indices good ones give other bits than before");
  release(good);
}

export const indicesAreChecked: Law = {
  name: "an index outside of its axis is an error",
  trials: (definitions) =>
    callsOf(definitions).flatMap((call) =>
      (call.indices ?? []).map((index) => ({
        name: call.indices!.length === 1 ? call.name : `${call.name}, input ${index.input}`,
        async check(backend) {
          for (const [name, open] of Object.entries(ways)) {
            for (const size of [1, 67]) {
              const runner = open(backend, call);
              try {
                await check(call, runner, size, index);
              } catch (error) {
                throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
              } finally {
                runner.dispose();
              }
            }
          }
        },
      })),
    ),
};
