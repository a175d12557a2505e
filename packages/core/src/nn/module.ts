/**
 * A module: parameters and other modules as plain properties, and a `forward`. Names are found by walking the properties, so
 * they are PyTorch's for the same structure ("0.weight", "encoder.fc1.bias").
 */
import { checkArgument, checkArguments, checkFunction } from "../types/arguments.js";
import { checkCopy, copyKey, copyMark, type CopyMark } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkOptions, show } from "../types/options.js";
import { context, within, withPath } from "../dispatch/context.js";
import type { Tensor } from "../types/tensor.js";
import { Parameter, Variable } from "../dispatch/variable.js";
import { loadState, type LoadOptions, type LoadReport, type StateDict } from "./state.js";
import type { LoadableState } from "./stateElements.js";

type Forward = (...inputs: unknown[]) => unknown;
/** A hook that is called after a module's forward, with its output and inputs. */
export type ForwardHook = (output: unknown, inputs: readonly unknown[], module: Module) => void;

const located = new WeakSet<object>();

/**
 * The base of every layer and model: parameters and modules are found among its properties, in arrays, plain objects, Maps and Sets too; not
 * in #private fields, behind getters of its class, under symbols, or in objects of other classes: the trainer refuses a model that uses one there.
 *
 * @example
 * class Net extends Module {
 *   fc1 = new Linear(784, 128);
 *   fc2 = new Linear(128, 10);
 *   forward(x: Tensor) {
 *     return this.fc2.forward(relu(this.fc1.forward(x)));
 *   }
 * }
 * new Net().forward(zeros([32, 784])).shape; // => [32, 10]
 */
export abstract class Module {
  /** Whether it behaves as in training (dropout drops, batchNorm measures). `train()` and `eval()` set it. */
  training = true;
  readonly #hooks = new Set<ForwardHook>();

  #path = "";
  /** The innermost `forward`. Those before it, which a decorated forward may still call, run what they stand for and nothing else. */
  #called!: Forward;
  readonly #getter = (): Forward => this.#called;

  constructor() {
    this.#callBy(() => Reflect.get(Object.getPrototypeOf(this) as object, "forward", this));
  }

  /** Its place in the model that ran it last; "" for the model itself. */
  get path(): string {
    return Module.#self(this).#path;
  }

  /** @throws ErmineError ERMINE_USAGE where it is a proxy of a module, which has no private fields */
  static #self<M extends Module>(module: M, path = ""): M {
    if (#called in module) return module;
    const name = path === "" ? "This module" : `The module ${path}`;
    throw new ErmineError(
      "ERMINE_USAGE",
      `${name} is a proxy, as Vue's reactive() and ref() make it of what they hold. Keep modules out of it: markRaw(model), or shallowRef(model).`,
    );
  }

  /**
   * The computation of the module: a method, a getter, a class field, or assigned later.
   *
   * A class field takes part in paths, messages and hooks from when the model is first walked (`parameters()`, `train()`, a trainer) or hooked, or run by another.
   */
  abstract forward(...inputs: never[]): unknown;

  /** From here on calls of forward pass `#run` on their way to what `look` gives. */
  #callBy(look: () => unknown): void {
    const called: Forward = (...inputs) =>
      called === this.#called ? this.#run(look, inputs) : requireForward(this, look).apply(this, inputs);
    this.#called = called;
    if (Object.getOwnPropertyDescriptor(this, "forward")?.get === this.#getter) return;
    Object.defineProperty(this, "forward", {
      configurable: true,
      enumerable: false,
      get: this.#getter,
      set: (forward: unknown) => {
        this.#callBy(() => forward);
      },
    });
  }

  /** Takes over a forward that a class field has defined over the intercepted one. */
  #intercept(): void {
    const descriptor = Object.getOwnPropertyDescriptor(this, "forward");
    if (descriptor === undefined || descriptor.get === this.#getter || descriptor.configurable !== true) return;
    this.#callBy(descriptor.get === undefined ? () => descriptor.value as unknown : () => descriptor.get!.call(this) as unknown);
  }

  /** @internal */
  get [copyKey](): CopyMark {
    return copyMark("Module", #called in this);
  }

  #run(look: () => unknown, inputs: unknown[]): unknown {
    const caller = context.module as Module | undefined;
    if (caller === undefined) for (const [path, module] of this.namedModules()) module.#path = path;
    try {
      const output = within("module", this, () => withPath(this.#path, () => requireForward(this, look).apply(this, inputs)));
      for (const hook of this.#hooks) within("module", this, () => hook(output, inputs, this));
      return output;
    } catch (error) {
      if (!(error instanceof ErmineError) || located.has(error)) throw error;
      const at = error.at(placeOf(this, caller));
      located.add(at);
      throw at;
    }
  }

  /** "Linear 784 → 128": for summaries and messages. */
  describe(): string {
    return this.constructor.name;
  }

  /**
   * Calls `hook` after every forward, for features and inspection; the result takes it away again. Inside a compiled function it sees the traced
   * tensors, each time that the function is traced: return what it takes (see `withFeatures`).
   */
  onForward(hook: ForwardHook): () => void {
    if (arguments.length > 1) checkArguments("onForward", arguments, 1);
    checkFunction("onForward", hook, "module.onForward((output, inputs, module) => …)");
    const self = Module.#self(this);
    self.#intercept();
    self.#hooks.add(hook);
    return () => self.#hooks.delete(hook);
  }

  /** Itself ("") and every module inside, with their paths; one that stands in two places has its first. */
  namedModules(): [string, Module][] {
    if (arguments.length > 0) checkArguments("namedModules", arguments, 0);
    const modules = new Map<Module, string>();
    walk(this, "", (path, item) => {
      if (!(item instanceof Module)) return false;
      if (modules.has(item)) return false;
      modules.set(item, path);
      Module.#self(item, path).#intercept();
      return true;
    });
    return [...modules].map(([module, path]) => [path, module]);
  }

  /** Every variable with its name: parameters and buffers (running means). A shared one has its first name. */
  namedVariables(): [string, Variable][] {
    if (arguments.length > 0) checkArguments("namedVariables", arguments, 0);
    const variables = new Map<Variable, string>();
    const visited = new Set<Module>();
    walk(this, "", (path, item) => {
      if (item instanceof Variable && !variables.has(item)) variables.set(item, path);
      if (!(item instanceof Module) || visited.has(item)) return false;
      visited.add(item);
      Module.#self(item, path).#intercept();
      return true;
    });
    const names = new Set<string>();
    for (const [variable, name] of variables) {
      if (names.has(name)) throw ambiguous(this, name);
      names.add(name);
      variable.name = name;
    }
    return [...variables].map(([variable, name]) => [name, variable]);
  }

  /** All parameters with their paths, as in `stateDict`: ["fc1.weight", …]. */
  namedParameters(): [string, Parameter][] {
    if (arguments.length > 0) checkArguments("namedParameters", arguments, 0);
    return this.namedVariables().filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  }

  /** The parameters that training changes; frozen ones are left out. */
  parameters(): Parameter[] {
    if (arguments.length > 0) checkArguments("parameters", arguments, 0);
    return this.namedParameters().flatMap(([, parameter]) => (parameter.trainable ? [parameter] : []));
  }

  /** The number of elements in its parameters. */
  parameterCount(
    options: {
      /** Only of parameters that training changes (true), or of frozen ones (false). Default: of all. */
      readonly trainable?: boolean;
    } = {},
  ): number {
    if (arguments.length > 1) checkArguments("parameterCount", arguments, 1);
    checkOptions("parameterCount", options, { trainable: "boolean" });
    return this.namedParameters()
      .filter(([, p]) => options.trainable === undefined || p.trainable === options.trainable)
      .reduce((total, [, p]) => total + p.shape.reduce((a, b) => a * b, 1), 0);
  }

  /** As in training, all of its modules. @throws ErmineError ERMINE_USAGE where one went through Object.freeze and would have to change */
  train(training = true): this {
    if (arguments.length > 1) checkArguments("train", arguments, 1);
    checkArgument("train(training)", "training", training, "boolean");
    const others = this.namedModules().filter(([, module]) => module.training !== training);
    const frozen = others.find(([, module]) => Object.isFrozen(module));
    if (frozen !== undefined) {
      throw new ErmineError(
        "ERMINE_USAGE",
        `${frozen[0] === "" ? "The model" : frozen[0]} went through Object.freeze, so train() and eval() cannot change its mode; nothing was changed. ` +
          "To keep its parameters as they are, use freeze().",
      );
    }
    for (const [, module] of others) module.training = training;
    return this;
  }

  /** Sets it and all modules in it to evaluation: dropout drops nothing, batch norm uses its running statistics. */
  eval(): this {
    if (arguments.length > 0) checkArguments("eval", arguments, 0);
    return this.train(false);
  }

  /** Its parameters get no gradients until `thaw()`. */
  freeze(): this {
    if (arguments.length > 0) checkArguments("freeze", arguments, 0);
    for (const [, parameter] of this.namedParameters()) parameter.trainable = false;
    return this;
  }

  /** Undoes `freeze`: optimizers update its parameters again. */
  thaw(): this {
    if (arguments.length > 0) checkArguments("thaw", arguments, 0);
    for (const [, parameter] of this.namedParameters()) parameter.trainable = true;
    return this;
  }

  /** Copies of all variables by name. */
  async stateDict(): Promise<StateDict> {
    if (arguments.length > 0) checkArguments("stateDict", arguments, 0);
    const entries = this.namedVariables().map(async ([name, variable]) => {
      const { shape, dtype } = variable.type;
      return [name, { shape, dtype, data: await variable.data() }] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  /**
   * Replaces the variables' elements, and says what became of each. It takes what `stateDict()` gives, what `JSON.parse(JSON.stringify(…))` makes of
   * that, and tensors by name. Nothing is changed where something does not fit.
   *
   * @example
   * const saved = await model.stateDict();
   * model.loadStateDict(saved, { strict: false, rename: { "backbone.": "encoder.", "fc.": null } });
   * @throws ErmineError ERMINE_SHAPE that lists what is missing, unexpected, or of another shape, ERMINE_USAGE where it is no state (a Promise, JSON
   * text), ERMINE_DTYPE where an element does not fit its variable
   */
  loadStateDict(state: LoadableState, options: LoadOptions = {}): LoadReport {
    if (arguments.length > 2) checkArguments("loadStateDict", arguments, 2);
    checkOptions("loadStateDict", options, { strict: "boolean", rename: ["object", "function"], otherShapes: "string" }, "state");
    return loadState(this.describe(), new Map(this.namedVariables()), state, options);
  }

  /**
   * Not there: gradients are values, and nothing adds up.
   *
   * @deprecated A function of PyTorch.
   */
  zeroGrad(): never {
    throw new ErmineError("ERMINE_USAGE", "There is no zeroGrad(): valueAndGrad returns fresh gradients, nothing accumulates.");
  }

  /**
   * Not there: parameters go where the trainer or the program runs.
   *
   * @deprecated A function of PyTorch.
   */
  to(): never {
    throw new ErmineError(
      "ERMINE_USAGE",
      "Modules are not moved: their tensors go to the backend that runs them. useBackend(await cpu()) chooses it.",
    );
  }
}

/** @internal @throws ErmineError ERMINE_USAGE where it is no module */
export function checkModule(where: string, value: unknown): asserts value is Module {
  checkCopy(where, value);
  if (value instanceof Module) return;
  const remedy = typeof value === "function" ? `: use its module, such as new ReLU()` : "";
  throw new ErmineError("ERMINE_USAGE", `${where} is a module, got ${show(value)}${remedy}.`);
}

/** A module's own forward. @throws ErmineError ERMINE_USAGE where it has none */
function requireForward(module: Module, look: () => unknown): Forward {
  const forward = look();
  if (typeof forward === "function") return forward as Forward;
  throw new ErmineError("ERMINE_USAGE", `${module.constructor.name} has no forward(x) { … } that says what it computes.`);
}

/** "fc1 (Linear 2 → 3)"; one that its model does not find is named with the module that ran it. */
function placeOf(module: Module, caller: Module | undefined): string {
  const description = `${module.path === "" ? "" : `${module.path} `}(${module.describe()})`;
  return module.path === "" && caller !== undefined ? `${description} in ${placeOf(caller, undefined)}` : description;
}

const ambiguous = (module: Module, name: string): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `${module.describe()} has two variables that would be called ${name}, so that a state by names would keep one of them. ` +
      'Keys of objects and Maps must differ as text: 1 and "1" do not, nor do { "a.b": … } and { a: { b: … } }.',
  );

/**
 * Visits properties, array items, the values of plain objects and Maps (by their keys) and the items of Sets (by their places); `enter` says whether to
 * go into a module.
 */
function walk(
  item: unknown,
  path: string,
  enter: (path: string, item: unknown) => boolean,
  visited: Set<unknown> = new Set(),
): void {
  if (item instanceof Module || item instanceof Variable) {
    if (!enter(path, item)) return;
  } else {
    // A variable or a module of another copy would be neither trained nor saved.
    checkCopy(`The model's "${path}"`, item);
    if (!isContainer(item) || visited.has(item)) return;
    visited.add(item);
  }
  for (const [key, value] of childrenOf(item)) {
    if (value !== null && typeof value === "object") walk(value, path === "" ? key : `${path}.${key}`, enter, visited);
  }
}

function childrenOf(item: object): [string, unknown][] {
  if (item instanceof Map) {
    return [...item].map(([key, value], i) => [typeof key === "string" || typeof key === "number" ? `${key}` : `${i}`, value]);
  }
  return item instanceof Set ? [...item].map((value, i) => [`${i}`, value]) : Object.entries(item);
}

const isContainer = (item: unknown): item is object =>
  Array.isArray(item) || item instanceof Map || item instanceof Set || isPlain(item);

const isPlain = (item: unknown): boolean =>
  typeof item === "object" && item !== null && [Object.prototype, null].includes(Object.getPrototypeOf(item));

/** A module of one tensor to one tensor: what `Sequential` takes. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}
