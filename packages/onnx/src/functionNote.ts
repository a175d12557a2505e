/**
 * The note in a function's `doc_string` of which call of a definition it is: the options, and the types that it was written for. Runtimes pass over it; `loadModel` writes what it says
 * again, and takes the definition where that is the function's body.
 */
import { Dim, type DType, type Shape, type Size } from "@ermine/core";

/** An input of a call. */
export interface InputType {
  readonly dtype: DType;
  /** Open sizes by the symbols that they had in the trace. */
  readonly shape: Shape;
}

/** The types that a function was written for. */
export interface CallTypes {
  /** undefined where an optional input is left out. */
  readonly inputs: readonly (InputType | undefined)[];
  /** Which of the definition's outputs the function gives. */
  readonly used: readonly boolean[];
}

export interface FunctionNote {
  /** The definition's options, complete. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly calls: readonly CallTypes[];
}

/** Numbers that JSON does not have, by the texts that stand for them. */
const rareNumbers = new Map([Infinity, -Infinity, NaN, -0].map((value) => [Object.is(value, -0) ? "-0" : String(value), value]));

/** The note as text; undefined where options are no plain data of numbers, open sizes, texts and lists. */
export function noteText({ attributes, calls }: FunctionNote): string | undefined {
  const plain = plainOf(attributes);
  if (plain === undefined) return undefined;
  const inputText = (input: InputType | undefined): unknown =>
    input === undefined ? null : [input.dtype, input.shape.map(sizeJson)];
  return JSON.stringify({
    attributes: plain,
    calls: calls.map(({ inputs, used }) => ({ inputs: inputs.map(inputText), used })),
  });
}

const sizeJson = (size: Size): unknown => (typeof size === "number" ? size : Object.fromEntries(size.terms));

/** What stands for what JSON does not have: { $number: "Infinity" }, { $size: { N: 2 } }. */
const tags = { number: "$number", size: "$size" } as const;

/** undefined: no plain data. */
function plainOf(value: unknown): unknown {
  if (typeof value === "number") {
    const isRare = !Number.isFinite(value) || Object.is(value, -0);
    return isRare ? { [tags.number]: Object.is(value, -0) ? "-0" : String(value) } : value;
  }
  if (value instanceof Dim) return { [tags.size]: sizeJson(value) };
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value)) {
    const items = value.map(plainOf);
    return items.includes(undefined) ? undefined : items;
  }
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  const entries = Object.entries(value).map(([key, item]) => [key, plainOf(item)] as const);
  return entries.some(([, item]) => item === undefined) ? undefined : Object.fromEntries(entries);
}

/** The note that the text is; undefined where it is none. */
export function noteOf(text: string): FunctionNote | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(json) || !isRecord(json["attributes"]) || !Array.isArray(json["calls"])) return undefined;
  const calls = json["calls"].map(callOf);
  if (calls.includes(undefined)) return undefined;
  return { attributes: valueOf(json["attributes"]) as FunctionNote["attributes"], calls: calls as readonly CallTypes[] };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

function valueOf(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(valueOf);
  if (!isRecord(json)) return json;
  const rare = rareNumbers.get(json[tags.number] as string);
  if (rare !== undefined && Object.keys(json).length === 1) return rare;
  const size = Object.keys(json).join() === tags.size ? sizeOf(json[tags.size]) : undefined;
  if (size !== undefined) return size;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, valueOf(value)]));
}

function callOf(json: unknown): CallTypes | undefined {
  if (!isRecord(json) || !Array.isArray(json["inputs"]) || !Array.isArray(json["used"])) return undefined;
  if (!json["used"].every((isUsed) => typeof isUsed === "boolean")) return undefined;
  const inputs: (InputType | undefined)[] = [];
  for (const input of json["inputs"] as readonly unknown[]) {
    const type = inputOf(input);
    if (type === undefined && input !== null) return undefined;
    inputs.push(type);
  }
  return { inputs, used: json["used"] as readonly boolean[] };
}

const dtypes: readonly unknown[] = ["float32", "int32", "bool"] satisfies readonly DType[];

function inputOf(json: unknown): InputType | undefined {
  if (!Array.isArray(json) || json.length !== 2 || !dtypes.includes(json[0]) || !Array.isArray(json[1])) return undefined;
  const shape = json[1].map(sizeOf);
  return shape.includes(undefined) ? undefined : { dtype: json[0] as DType, shape: shape as Shape };
}

/** Larger sizes are no model's: what is written for them would be as large. */
const largestSize = 1_000_000;

const isCount = (value: unknown): value is number => Number.isInteger(value) && Math.abs(value as number) <= largestSize;

function sizeOf(json: unknown): Size | undefined {
  if (typeof json === "number") return isCount(json) && json >= 0 ? json : undefined;
  if (!isRecord(json)) return undefined;
  const terms = Object.entries(json);
  return terms.every(([, coefficient]) => isCount(coefficient)) ? Dim.from(new Map(terms as [string, number][])) : undefined;
}
