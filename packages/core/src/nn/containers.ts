/** Lists and objects of modules and parameters as modules, for structures that are given by PyTorch's names. A plain array or object in a module does the same. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { isPlainObject, show } from "../types/options.js";
import { checkCopy } from "../types/copy.js";
import { Parameter } from "../dispatch/variable.js";
import { checkModule, Module } from "./module.js";

const notCalled = (container: Module, each: string): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `A ${container.constructor.name} computes nothing by itself: call ${each} in the forward of the module that has it.`,
  );

function checkParameter(where: string, value: unknown): asserts value is Parameter {
  checkCopy(where, value);
  if (value instanceof Parameter) return;
  throw new ErmineError("ERMINE_USAGE", `${where} is a parameter, got ${show(value)}. Write new Parameter(tensor).`);
}

/** Items called "0", "1", …, as PyTorch names them. */
abstract class List<T extends object> extends Module implements Iterable<T> {
  readonly [index: number]: T;
  /** How many items it has. */
  readonly length: number = 0;

  protected abstract check(where: string, item: unknown): asserts item is T;

  constructor(items: Iterable<T>) {
    super();
    Object.defineProperty(this, "length", { value: 0, enumerable: false, writable: true });
    this.extend(items);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.length; i++) yield this[i]!;
  }

  /** The item at a place; a negative one counts from the end. */
  at(index: number): T | undefined {
    if (arguments.length > 1) checkArguments("at", arguments, 1);
    checkArgument("at(index)", "index", index, "integer");
    return this[index < 0 ? this.length + index : index];
  }

  /** Adds an item at the end. */
  append(item: T): this {
    if (arguments.length > 1) checkArguments("append", arguments, 1);
    return this.extend([item]);
  }

  /** Adds items at the end. Nothing is added where one is of another kind. */
  extend(items: Iterable<T>): this {
    if (arguments.length > 1) checkArguments("extend", arguments, 1);
    const list = listOf(this.constructor.name, items);
    list.forEach((item, i) => this.check(`${this.constructor.name}: item ${i}`, item));
    list.forEach((item, i) => Object.defineProperty(this, this.length + i, { value: item, enumerable: true, writable: true }));
    (this as { length: number }).length += list.length;
    return this;
  }

  override forward(): never {
    throw notCalled(this, "its items");
  }
}

function listOf<T>(where: string, items: Iterable<T>): readonly T[] {
  const isIterable = typeof items === "object" && items !== null && Symbol.iterator in items;
  if (isIterable) return [...items];
  throw new ErmineError("ERMINE_USAGE", `${where} takes a list, got ${show(items)}. Write new ${where}([…]).`);
}

/**
 * Modules in a list, called "0", "1", … A plain array of modules has the same names and is trained and saved as well.
 *
 * @example
 * const layers = new ModuleList([new Linear(4, 4), new Linear(4, 4)]);
 * layers.namedParameters().map(([name]) => name); // => ["0.weight", "0.bias", "1.weight", "1.bias"]
 */
export class ModuleList<M extends Module = Module> extends List<M> {
  constructor(modules: Iterable<M> = []) {
    checkArguments("ModuleList", arguments, 1);
    super(modules);
  }

  protected override check(where: string, item: unknown): asserts item is M {
    checkModule(where, item);
  }
}

/**
 * Parameters in a list, called "0", "1", … A plain array of parameters has the same names and is trained and saved as well.
 *
 * @example
 * new ParameterList([new Parameter(zeros([2])), new Parameter(zeros([3]))]).length; // => 2
 */
export class ParameterList extends List<Parameter> {
  constructor(parameters: Iterable<Parameter> = []) {
    checkArguments("ParameterList", arguments, 1);
    super(parameters);
  }

  protected override check(where: string, item: unknown): asserts item is Parameter {
    checkParameter(where, item);
  }
}

/** Items by name. */
abstract class Dict<T extends object> extends Module implements Iterable<[string, T]> {
  readonly #items = new Map<string, T>();

  protected abstract check(where: string, item: unknown): asserts item is T;

  constructor(items: Readonly<Record<string, T>>) {
    super();
    if (!isPlainObject(items))
      throw new ErmineError("ERMINE_USAGE", `${this.constructor.name} takes an object of items by name, got ${show(items)}.`);
    // All are checked before one is taken.
    for (const [name, item] of Object.entries(items)) this.#refuse(name, item);
    for (const [name, item] of Object.entries(items)) this.set(name, item);
  }

  #refuse(name: string, item: unknown): asserts item is T {
    this.check(`${this.constructor.name}: ${show(name)}`, item);
    // What a module already has keeps its meaning.
    if (name !== "" && !(name in this && !this.#items.has(name)) && !name.includes(".")) return;
    throw new ErmineError(
      "ERMINE_USAGE",
      `${this.constructor.name}: no item can be called ${show(name)}: ${name === "" || name.includes(".") ? "names are parts of paths" : "a module has a property of that name"}.`,
    );
  }

  /** The item of that name; undefined where there is none. */
  get(name: string): T | undefined {
    if (arguments.length > 1) checkArguments("get", arguments, 1);
    checkArgument("get(name)", "name", name, "string");
    return this.#items.get(name);
  }

  /** Adds an item, or replaces that of the name. */
  set(name: string, item: T): this {
    if (arguments.length > 2) checkArguments("set", arguments, 2);
    checkArgument("set(name, item)", "name", name, "string");
    this.#refuse(name, item);
    this.#items.set(name, item);
    Object.defineProperty(this, name, { value: item, enumerable: true, configurable: true, writable: true });
    return this;
  }

  /** Is there an item of that name? */
  has(name: string): boolean {
    if (arguments.length > 1) checkArguments("has", arguments, 1);
    checkArgument("has(name)", "name", name, "string");
    return this.#items.has(name);
  }

  /** The names, in the order in which they were added. */
  keys(): readonly string[] {
    if (arguments.length > 0) checkArguments("keys", arguments, 0);
    return [...this.#items.keys()];
  }

  *[Symbol.iterator](): Iterator<[string, T]> {
    yield* this.#items;
  }

  override forward(): never {
    throw notCalled(this, "its items");
  }
}

/**
 * Modules by name. A plain object of modules has the same names and is trained and saved as well.
 *
 * @example
 * const parts = new ModuleDict({ encoder: new Linear(4, 2), decoder: new Linear(2, 4) });
 * parts.get("encoder")!.forward(zeros([1, 4])).shape; // => [1, 2]
 */
export class ModuleDict<M extends Module = Module> extends Dict<M> {
  constructor(modules: Readonly<Record<string, M>> = {}) {
    checkArguments("ModuleDict", arguments, 1);
    super(modules);
  }

  protected override check(where: string, item: unknown): asserts item is M {
    checkModule(where, item);
  }
}

/**
 * Parameters by name. A plain object of parameters has the same names and is trained and saved as well.
 *
 * @example
 * new ParameterDict({ scale: new Parameter(ones([2])) }).keys(); // => ["scale"]
 */
export class ParameterDict extends Dict<Parameter> {
  constructor(parameters: Readonly<Record<string, Parameter>> = {}) {
    checkArguments("ParameterDict", arguments, 1);
    super(parameters);
  }

  protected override check(where: string, item: unknown): asserts item is Parameter {
    checkParameter(where, item);
  }
}
