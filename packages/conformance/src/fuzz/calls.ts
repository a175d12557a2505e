/** Calls of a step beyond the functions that core exports: as they run, and as they are printed. */
import * as core from "@ermine/core";
import { drawUniform } from "@ermine/core/define";
import { withoutTrace } from "@ermine/core/backend";
import { Tensor } from "@ermine/core";
import { exportOfCore } from "./exportsOfCore.js";
import * as nn from "@ermine/core/nn";
import { optimizers } from "@ermine/trainer/catalog";
import type { Optimizer } from "@ermine/trainer";

type Run = (...args: readonly any[]) => unknown;

export interface OwnCall {
  run: Run;
  /** The call as source; `args` are printed already. */
  print(...args: readonly string[]): string;
  /** The imports of the source: from core, from core's layers, from the trainer. */
  readonly imports?: (...args: readonly unknown[]) => {
    readonly core?: readonly string[];
    readonly nn?: readonly string[];
    readonly trainer?: readonly string[];
  };
}

interface Layer {
  forward(...inputs: readonly unknown[]): unknown;
}

/** Outside of the trace, as a model is made before it is compiled: what it starts from is no part of the program. */
const layerOf = (name: string, args: readonly unknown[]): Layer =>
  withoutTrace(() => new (nn as unknown as Readonly<Record<string, new (...args: readonly unknown[]) => Layer>>)[name]!(...args));

/** The module inside of a layer at a path such as "self_attn.out_proj". */
const partAt = (layer: object, path: string): object =>
  path.split(".").reduce<object>((module, name) => (module as Readonly<Record<string, object>>)[name]!, layer);

const unquoted = (name: string): string => JSON.parse(name) as string;

function optimize(
  name: string,
  options: object,
  p: Tensor,
  gradient: Tensor,
  slots: readonly Tensor[],
  step: number,
): readonly Tensor[] {
  const optimizer = (optimizers as Readonly<Record<string, (options: object) => Optimizer>>)[name]!(options);
  const scalars = core.tensor(Float32Array.from(optimizer.scalars({ step, epoch: 0 })));
  const { parameters, slots: next } = optimizer.update({ parameters: [p], slots: [slots] }, [gradient], scalars);
  return [parameters[0]!, ...next[0]!];
}

export const ownCalls: Readonly<Record<string, OwnCall>> = {
  random: {
    run: (counters: Tensor, shape: readonly number[]) =>
      core.withRandom({ seed: 7, counters }, () => drawUniform(shape, "program")),
    print: (counters, shape) => `withRandom({ seed: 7, counters: ${counters} }, () => drawUniform(${shape}, "program"))`,
    imports: () => ({ core: ["withRandom", "drawUniform"] }),
  },
  /** A layer whose parameters, buffers and mode are the program's: its own properties, and those of the modules inside of it by path. */
  layer: {
    run(name: string, args: readonly unknown[], properties: object, parts: Readonly<Record<string, object>>, inputs) {
      const layer = Object.assign(layerOf(name, args), properties);
      for (const [path, values] of Object.entries(parts)) Object.assign(partAt(layer, path), values);
      return layer.forward(...(inputs as readonly unknown[]));
    },
    print(name, args, properties, parts, inputs) {
      const bare = `withoutTrace(() => new ${unquoted(name)}(${args!.slice(1, -1)}))`;
      const layer = properties === "{}" ? bare : `Object.assign(${bare}, ${properties})`;
      const whole =
        parts === "{}"
          ? layer
          : `Object.entries(${parts}).reduce((layer: any, [path, values]) => ` +
            `(Object.assign(path.split(".").reduce((module, name) => module[name], layer), values), layer), ${layer})`;
      return `${whole}.forward(${inputs!.slice(1, -1)})`;
    },
    imports: (name) => ({ core: ["withoutTrace"], nn: [name as string] }),
  },
  /** A layer that draws in training. */
  drawn: {
    run: (counters: Tensor, name: string, p: number, x: Tensor) =>
      core.withRandom({ seed: 7, counters }, () => layerOf(name, [p]).forward(x)),
    print: (counters, name, p, x) =>
      `withRandom({ seed: 7, counters: ${counters} }, () => new ${unquoted(name)}(${p}).forward(${x}))`,
    imports: (_, name) => ({ core: ["withRandom"], nn: [name as string] }),
  },
  optimize: {
    run: optimize,
    print: (name, options, p, gradient, slots, step) =>
      `((o: Optimizer) => ((n) => [...n.parameters, ...n.slots[0]!])(o.update({ parameters: [${p}], slots: [${slots}] }, [${gradient}], ` +
      `tensor(Float32Array.from(o.scalars({ step: ${step}, epoch: 0 }))))))(${unquoted(name)}(${options}))`,
    imports: (name) => ({ core: ["tensor"], trainer: [name as string, "type Optimizer"] }),
  },
};

/** The function of a call. */
export function functionOf(call: string): Run {
  const run = ownCalls[call]?.run ?? (exportOfCore(call) as Run | undefined);
  if (run === undefined) throw new core.ErmineError("ERMINE_USAGE", `A program calls "${call}", which is no function of core.`);
  return run;
}

/** The part of a call's result that a step takes: ".values", "[1]", "" for all. */
export function resultAt(result: unknown, take: string | undefined): Tensor {
  const part = take === undefined ? result : (result as Readonly<Record<string, unknown>>)[take.replace(/[.[\]]/g, "")];
  if (part instanceof Tensor) return part;
  throw new core.ErmineError("ERMINE_USAGE", `A step's result is no tensor${take === undefined ? "" : ` at ${take}`}.`);
}
