/** Arguments of the kinds that there are, and calls of them. */
import { ones, tensor, useBackend, type Tensor } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { allThings, type ArgumentSpec, type CallSpec, type Thing } from "../../src/laws/arguments.js";

// Tables look for what layers take when they are loaded.
useBackend(reference());

type Make = () => unknown;
/** @param right the value, or a function that makes one */
const slot =
  (...kind: readonly Thing[]) =>
  (right: unknown, ...more: readonly Thing[]): ArgumentSpec => ({
    right: typeof right === "function" ? (right as Make) : () => right,
    takes: [...kind, ...more],
  });

const tensors = ["a float32 tensor", "an int32 tensor", "a bool tensor"] as const;
const numbers = ["a whole number", "a negative number", "a fraction", "NaN"] as const;

/** A tensor; of other dtypes and shapes it is taken or refused. */
export const aTensor = slot(...tensors);
/** A tensor, a number or a boolean. */
export const operand = slot(...tensors, ...numbers, "a boolean");
export const number = slot(...numbers);
/** A whole number: an axis, a size, a count. */
export const integer = slot("a whole number", "a negative number");
export const integers = slot("a whole number", "a negative number", "an array of numbers");
export const list = slot("an array of numbers");
export const text = slot("a string");
export const truth = slot("a boolean");
export const fn = (value: (...args: never[]) => unknown, ...more: readonly Thing[]): ArgumentSpec => ({
  right: () => value,
  takes: ["a function", ...more],
});
/** Of a kind of its own. */
export const only = slot();

/** Whatever there is. */
export const anything = slot(...allThings);

/** The same, which may be left out. */
export const optional = (argument: ArgumentSpec): ArgumentSpec => ({ ...argument, takes: [...argument.takes, "undefined"] });

/** Options, `enough` where some are needed. */
export const options = (enough: unknown = undefined, ...open: readonly string[]): ArgumentSpec => ({
  right: typeof enough === "function" ? (enough as Make) : () => enough,
  takes: enough === undefined ? ["undefined"] : [],
  options: { open },
});

export const call = (run: unknown, ...args: readonly ArgumentSpec[]): CallSpec => ({
  run: run as CallSpec["run"],
  arguments: args,
});
/** A function of tensors alone, which goes to map and reduce. */
export const mapped = (run: unknown, ...args: readonly ArgumentSpec[]): CallSpec => ({ ...call(run, ...args), more: "mapped" });
/** A function of any number of arguments. */
export const variadic = (run: unknown, ...args: readonly ArgumentSpec[]): CallSpec => ({ ...call(run, ...args), more: "any" });

export const x = (): Tensor => tensor([[0.1, 0.2]]);
export const image = (): Tensor => ones([1, 2, 4, 4]);
export const indices = (): Tensor => tensor([0], { dtype: "int32" });
