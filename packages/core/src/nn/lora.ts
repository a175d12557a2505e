/** LoRA: weights stay as they are, and what is learned is a product of two narrow matrices that is added to each. */
import { adapterName, selectTargets, type AdapterTargets } from "./loraNames.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, requireOptions, show } from "../types/options.js";
import { add, mul } from "../ops/arithmetic.js";
import { matmul } from "../ops/matmul.js";
import { reshape, transpose } from "../ops/shape.js";
import { constantInit, defaultWeight, initialize, normalInit } from "../random/initializers.js";
import { noGrad } from "../dispatch/tapes.js";
import { context } from "../dispatch/context.js";
import { keep, scope } from "../dispatch/scope.js";
import { Parameter, withRecording } from "../dispatch/variable.js";
import type { Tensor } from "../types/tensor.js";
import { TableLayer } from "./tableLayer.js";
import { checkModule, Module } from "./module.js";
import { loadState, type LoadOptions, type LoadReport, type StateDict } from "./state.js";
import type { LoadableState } from "./stateElements.js";

/** The options of `lora`. */
export interface LoRAOptions {
  /**
   * Which weights are adapted. A text is a parameter's name, a module's, or the end of one after a dot ("q_proj" is every module of that name); a pattern, or a function, is asked
   * of every parameter's name. Of what a module's name, a pattern or a function selects, parameters of at least two axes are meant.
   */
  readonly targets: AdapterTargets;
  /** The rank of what is added: the narrow side of both matrices. Default 8, PEFT's. */
  readonly rank?: number;
  /** What is added is multiplied by alpha / rank. Default 8, PEFT's. */
  readonly alpha?: number;
  /**
   * What the saved adapter calls the module of a parameter: `{ "onnx::MatMul_214": "encoder.linear1" }`, or a function of the parameter's name; undefined: as by default. Default: the
   * parameter's name without ".weight".
   */
  readonly rename?: Readonly<Record<string, string>> | ((name: string) => string | undefined);
}

/** The two matrices that are added to a weight as B · A · alpha / rank. */
export interface LowRank {
  /** (rank, inputs); of a convolution (rank, inputs, …kernel). */
  readonly A: Parameter;
  /** (outputs, rank); of a convolution (outputs, rank, 1, …). */
  readonly B: Parameter;
}

interface Adapter extends LowRank {
  readonly weight: Parameter;
  /** undefined where neither the parameter's name nor `rename` says one. */
  readonly module: string | undefined;
}

const kinds = {
  targets: ["string", "list", "function", "object"],
  rank: "integer",
  alpha: "number",
  rename: ["object", "function"],
} as const;

/** Are rows of the weight its inputs, so that what is added is (B · A)ᵀ? */
const isTransposed = ({ shape, layout }: Parameter): boolean => layout !== "outputFirst" && shape.length === 2;

/**
 * A model whose chosen weights have low-rank adapters: `lora` makes it. Its parameters are `base.…`, which are frozen, and `adapters.<name of the weight>.A` and `.B`, which train.
 *
 * @example
 * const adapted = lora(new Linear(4, 3), { targets: "weight", rank: 2 });
 * adapted.adapters.get("weight")?.A.shape; // => [2, 4]
 */
export class LoRA<M extends Module = Module> extends Module {
  /** The model that is adapted. By itself it runs without the adapters. */
  readonly base: M;
  /** The adapters by the names of their weights in the model. */
  readonly adapters: ReadonlyMap<string, LowRank>;
  /** The narrow side of both matrices. */
  readonly rank: number;
  /** What is added is multiplied by alpha / rank. */
  readonly alpha: number;
  readonly #adapters: ReadonlyMap<string, Adapter>;
  /** The weights without the adapters while these are merged. */
  #original: Map<Parameter, Tensor> | undefined;

  /** @internal */
  constructor(
    base: M,
    adapters: ReadonlyMap<string, Adapter>,
    { rank, alpha }: { readonly rank: number; readonly alpha: number },
  ) {
    super();
    this.base = base;
    this.#adapters = adapters;
    this.adapters = new Map([...adapters].map(([name, { A, B }]) => [name, { A, B }]));
    this.rank = rank;
    this.alpha = alpha;
  }

  /** What the model computes, with its weights as adapted. */
  override readonly forward = ((...inputs: never[]): unknown => {
    const run = (): unknown => (this.base.forward as (...inputs: never[]) => unknown)(...inputs);
    return this.#original === undefined ? withRecording(this.#weights(), run) : run();
  }) as M["forward"];

  #weights(): Map<Parameter, Tensor> {
    return new Map(
      [...this.#adapters.values()].map((adapter) => [adapter.weight, add(adapter.weight.value, this.#added(adapter))]),
    );
  }

  /** B · A · alpha / rank, of the weight's shape. */
  #added({ A, B, weight }: Adapter): Tensor {
    const [outputs, inputs] = [B.shape[0]!, A.shape.slice(1).reduce((a, b) => a * b, 1)];
    const [a, b] = [reshape(A.value, [this.rank, inputs]), mul(reshape(B.value, [outputs, this.rank]), this.alpha / this.rank)];
    return isTransposed(weight) ? matmul(transpose(a), transpose(b)) : reshape(matmul(b, a), weight.shape);
  }

  /** Are the adapters in the model's weights? */
  get isMerged(): boolean {
    return this.#original !== undefined;
  }

  /**
   * Adds the adapters to the model's weights, where they cost nothing more. They do not train until `unmerge()`.
   *
   * @returns the model, which runs, is saved and is exported without this module
   * @example
   * const adapted = lora(new Linear(4, 3), { targets: "weight", rank: 2 });
   * adapted.merge().forward(zeros([2, 4])).shape; // => [2, 3]
   */
  merge(): M {
    if (arguments.length > 0) checkArguments("merge", arguments, 0);
    if (this.#original !== undefined) return this.base;
    refuseTrace("merge");
    this.#original = new Map();
    noGrad(() => {
      const adapted = scope(() => [...this.#weights().values()]);
      [...this.#adapters.values()].forEach(({ weight }, i) => {
        const before = weight.value;
        weight.value = adapted[i]!;
        // A variable lets go of the tensor that it had.
        this.#original!.set(weight, keep(before));
      });
    });
    this.#setTrainable(false);
    return this.base;
  }

  /** Puts the model's weights back as they were before `merge()`, to the last bit; the adapters train again. */
  unmerge(): this {
    if (arguments.length > 0) checkArguments("unmerge", arguments, 0);
    if (this.#original === undefined) return this;
    refuseTrace("unmerge");
    for (const [weight, value] of this.#original) {
      noGrad(() => (weight.value = value));
      value.dispose();
    }
    this.#original = undefined;
    this.#setTrainable(true);
    return this;
  }

  #setTrainable(trainable: boolean): void {
    for (const { A, B } of this.#adapters.values()) A.trainable = B.trainable = trainable;
  }

  /**
   * The adapters by PEFT's names ("base_model.model.encoder.fc.lora_A.weight"), as its adapter_model.safetensors has them: `writeSafetensors` of `@ermine/formats` writes them.
   *
   * @throws ErmineError ERMINE_USAGE where a parameter's name says no module and `rename` does not either
   */
  async adapterState(): Promise<StateDict> {
    if (arguments.length > 0) checkArguments("adapterState", arguments, 0);
    const entries = [...this.#named()].map(async ([name, variable]) => {
      const { shape, dtype } = variable.type;
      return [name, { shape, dtype, data: await variable.data() }] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  /**
   * Replaces the adapters by those of a state with PEFT's names. Nothing is changed where something does not fit.
   *
   * @throws ErmineError ERMINE_SHAPE, ERMINE_DTYPE and ERMINE_USAGE as `loadStateDict`; ERMINE_USAGE while the adapters are merged
   */
  loadAdapterState(state: LoadableState, options: LoadOptions = {}): LoadReport {
    if (arguments.length > 2) checkArguments("loadAdapterState", arguments, 2);
    checkOptions(
      "loadAdapterState",
      options,
      { strict: "boolean", rename: ["object", "function"], otherShapes: "string" },
      "state",
    );
    if (this.isMerged)
      throw new ErmineError("ERMINE_USAGE", "loadAdapterState: the adapters are merged into the model. Call unmerge() first.");
    return loadState(this.describe(), this.#named(), state, options);
  }

  /** The contents of PEFT's adapter_config.json: `JSON.stringify(adapted.adapterConfig())` next to the adapters' file, and PEFT loads them. */
  adapterConfig(): Readonly<Record<string, unknown>> {
    if (arguments.length > 0) checkArguments("adapterConfig", arguments, 0);
    this.#named();
    return {
      peft_type: "LORA",
      r: this.rank,
      lora_alpha: this.alpha,
      target_modules: [...this.#adapters.values()].map(({ module }) => module),
      lora_dropout: 0,
      bias: "none",
      fan_in_fan_out: false,
      task_type: null,
    };
  }

  #named(): Map<string, Parameter> {
    const names = new Map<string, Parameter>();
    for (const [name, { A, B, weight, module }] of this.#adapters) {
      if (module === undefined)
        throw new ErmineError(
          "ERMINE_USAGE",
          `${show(name)} is not called after its module (… .weight), so that PEFT's name for its adapter is not known. ` +
            `Give it: lora(model, { …, rename: { ${show(name)}: "encoder.fc" } }).`,
        );
      const isTable = weight.layout === "rows";
      names.set(adapterName(module, "A", isTable), A);
      names.set(adapterName(module, "B", isTable), B);
    }
    return names;
  }

  override describe(): string {
    return `LoRA rank ${this.rank} of ${this.base.describe()}`;
  }
}

/**
 * Low-rank adaptation: W · x becomes (W + B · A · alpha / rank) · x for the chosen weights W. All of the model's own parameters are frozen, A and B train: for a weight of n × m rank · (n + m)
 * elements in place of n · m.
 *
 * A starts as PyTorch's default weight, U(±1/√inputs), and B as zeros, so that the adapted model begins as the model; for an embedding A starts as zeros and B from N(0, 1). It works on
 * weights of every layer, those of an imported ONNX model among them. What is added to a weight is computed once for each forward, so that the results are those of the merged weights.
 *
 * Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685; names and defaults are those of PEFT.
 *
 * @param model any module, which is part of the result. To train a new head too: `adapted.base.head.thaw()`
 * @throws ErmineError ERMINE_USAGE where a target is no parameter of at least two axes, with the nearest name, ERMINE_OPTION for a wrong option; the model is then as it was
 * @example
 * const adapted = lora(new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 2)), { targets: ["0", "2"], rank: 2, alpha: 4 });
 * adapted.parameters().map(({ name }) => name); // => ["adapters.0.weight.A", "adapters.0.weight.B", "adapters.2.weight.A", "adapters.2.weight.B"]
 * adapted.forward(zeros([3, 4])).shape; // => [3, 2]
 */
export function lora<M extends Module>(model: M, options: LoRAOptions): LoRA<M> {
  if (arguments.length > 2) checkArguments("lora", arguments, 2);
  checkModule("lora: its first argument", model);
  requireOptions("lora", options, kinds, "model");
  const { targets, rank = 8, alpha = 8, rename } = options;
  if (targets === undefined) throw new ErmineError("ERMINE_OPTION", 'lora needs targets: lora(model, { targets: ["fc"] }).');
  if (rank < 1) throw new ErmineError("ERMINE_OPTION", `lora: rank is a whole number ≥ 1, got ${rank}.`);
  if (!(alpha > 0 && alpha < Infinity)) throw new ErmineError("ERMINE_OPTION", `lora: alpha is a number > 0, got ${alpha}.`);
  const chosen = selectTargets(model, targets);
  for (const [name] of chosen) refuseMaxNorm(model, name);
  const modules = modulesOf([...chosen.keys()], rename);
  const adapters = new Map(
    [...chosen].map(([name, weight], i) => [name, { ...start(name, weight, rank), weight, module: modules[i] }] as const),
  );
  const adapted = new LoRA(model, adapters, { rank, alpha });
  model.freeze();
  return adapted;
}

function refuseTrace(method: string): void {
  if (context.trace === undefined) return;
  throw new ErmineError(
    "ERMINE_USAGE",
    `${method}() changes the model's weights at once, and a function is being traced. Call it outside of the compiled function.`,
  );
}

/** Such a table is scaled where it is looked up: the adapter would be written into it. */
function refuseMaxNorm(model: Module, name: string): void {
  const owner = model.namedModules().find(([path]) => name === (path === "" ? "weight" : `${path}.weight`))?.[1];
  if (!(owner instanceof TableLayer) || owner.maxNorm === undefined) return;
  throw new ErmineError(
    "ERMINE_UNSUPPORTED",
    `lora: ${name} is the table of a layer with maxNorm, which is changed where it is looked up. Leave it out of targets.`,
  );
}

function modulesOf(names: readonly string[], rename: LoRAOptions["rename"]): readonly (string | undefined)[] {
  if (typeof rename === "object") {
    const stray = Object.keys(rename).find((name) => !names.includes(name));
    if (stray !== undefined)
      throw new ErmineError(
        "ERMINE_OPTION",
        `lora: rename has ${show(stray)}, which is no target. Targets are ${names.join(", ")}.`,
      );
  }
  const given = (name: string): unknown =>
    typeof rename === "function" ? rename(name) : rename !== undefined && Object.hasOwn(rename, name) ? rename[name] : undefined;
  const modules = names.map((name) => {
    const module = given(name);
    if (module !== undefined && (typeof module !== "string" || module === ""))
      throw new ErmineError("ERMINE_OPTION", `lora: rename says a module's name for ${show(name)}, got ${show(module)}.`);
    return module ?? (name.endsWith(".weight") ? name.slice(0, -".weight".length) : undefined);
  });
  const twice = modules.findIndex((module, i) => module !== undefined && modules.indexOf(module) < i);
  if (twice >= 0)
    throw new ErmineError(
      "ERMINE_OPTION",
      `lora: ${names[modules.indexOf(modules[twice])]} and ${names[twice]} would both be ${show(modules[twice])} in a saved adapter. Give them names of their own: rename.`,
    );
  return modules;
}

function start(name: string, weight: Parameter, rank: number): LowRank {
  const { shape, layout } = weight;
  const [first, ...rest] = shape as [number, ...number[]];
  const sizes: readonly (readonly number[])[] = isTransposed(weight)
    ? [
        [rank, first],
        [rest[0]!, rank],
      ]
    : [
        [rank, ...rest],
        [first, rank, ...rest.slice(1).map(() => 1)],
      ];
  const zeros = constantInit(0);
  const [ofA, ofB] = layout === "rows" ? [zeros, normalInit()] : [defaultWeight, zeros];
  return {
    A: new Parameter(initialize(ofA, sizes[0]!, `${name}.A`), { name: `adapters.${name}.A` }),
    B: new Parameter(initialize(ofB, sizes[1]!, `${name}.B`), { name: `adapters.${name}.B` }),
  };
}
