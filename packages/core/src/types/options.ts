/** Options are an object of names that are known and values of the right kind; anything else is refused with the right call. */
import { ErmineError } from "./errors.js";
import { foreignSpellings, nearestName } from "./spelling.js";

const isWhole = (value: unknown): boolean => Number.isInteger(value);

/** Of each kind, its name in a message and which values belong to it. */
const kinds = {
  operand: [
    "a tensor or a number",
    (value: unknown) => typeof value === "number" || typeof value === "boolean" || isTensor(value),
  ],
  boolean: ["true or false", (value: unknown) => typeof value === "boolean"],
  number: ["a number", (value: unknown) => typeof value === "number"],
  integer: ["a whole number", isWhole],
  integers: ["a whole number or a list of them", (value: unknown) => isWhole(value) || isListOf(value, "number")],
  numbers: ["a number or a list of numbers", (value: unknown) => typeof value === "number" || isListOf(value, "number")],
  string: ["a string", (value: unknown) => typeof value === "string"],
  function: ["a function", (value: unknown) => typeof value === "function"],
  tensor: ["a tensor", isTensor],
  null: ["null", (value: unknown) => value === null],
  list: ["a list", (value: unknown) => Array.isArray(value)],
  object: ["an object", (value: unknown) => typeof value === "object" && value !== null && !isTensor(value)],
} satisfies Readonly<Record<string, readonly [text: string, holds: (value: unknown) => boolean]>>;

type Kind = keyof typeof kinds;

/** The kind of an option: one, or one of several; "any" is left to checks of its own. */
export type OptionKind = Kind | "any" | readonly Kind[];

/** The kind of each option of `O`. */
export type OptionKinds<O extends object> = { readonly [K in keyof O]-?: OptionKind };

const isListOf = (value: unknown, type: "number"): boolean => Array.isArray(value) && value.every((item) => typeof item === type);

/** @internal Not by its class, which would make a cycle, and so that a tensor of another copy of core is called one too. */
export function isTensor(value: unknown): boolean {
  return typeof value === "object" && value !== null && "dtype" in value && "dataSync" in value;
}

/** @internal Is the value of that kind? */
export const isOfKind = (kind: OptionKind, value: unknown): boolean =>
  // The frequent kinds are the names of types; what is null or a tensor is no object of options.
  (typeof value === kind && kind !== "object") ||
  kind === "any" ||
  (typeof kind === "string" ? kinds[kind][1](value) : kind.some((one) => kinds[one][1](value)));

/** A value as a message shows it: as it is written where that is short. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (Array.isArray(value)) {
    const text = `[${value.slice(0, 8).map(show).join(", ")}${value.length > 8 ? ", …" : ""}]`;
    return text.length > 80 ? "an array" : text;
  }
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (isTensor(value)) return "a tensor";
  if (isPromise(value)) return "a promise (await it first)";
  return isPlainObject(value) ? showObject(value) : showInstance(value);
}

const isPromise = (value: object): boolean => "then" in value && typeof value.then === "function";

/** `{ min: 0 }`, where it is short. */
function showObject(value: object): string {
  const entries = Object.entries(value);
  if (entries.length === 0 || entries.length > 3) return "an object";
  const text = `{ ${entries.map(([key, inside]) => `${key}: ${typeof inside === "object" && inside !== null ? "…" : show(inside)}`).join(", ")} }`;
  return text.length > 60 ? "an object" : text;
}

/** "a Map": of an object that a class made. */
function showInstance(value: object): string {
  const name = (value.constructor as { readonly name?: unknown } | undefined)?.name;
  return typeof name === "string" && name !== "" && name !== "Object"
    ? `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`
    : "an object";
}

/** @internal A call as it is written, "new " before a class. */
export const spellCall = (where: string, args: readonly string[]): string =>
  `${where[0] !== where[0]!.toLowerCase() && !where.includes(".") ? "new " : ""}${where}(${args.join(", ")})`;

const optionLiteral = (name: string, value: unknown): string => `{ ${name}: ${show(value)} }`;

/** @internal An object that a literal made: `{ … }`, of this realm or another. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/**
 * Refuses what is no object of options, options that a definition does not have, with the nearest name, and values of another kind: an
 * option has effect or is an error.
 *
 * @param acceptedOptions the options' names, or the kind of each
 * @param before the arguments that come before the options, or their names, for the call that a message spells
 * @throws ErmineError ERMINE_OPTION
 */
export function checkOptions<O extends object>(
  where: string,
  options: O | undefined,
  acceptedOptions: readonly string[] | OptionKinds<O>,
  before: string | readonly unknown[] = [],
): void {
  if (options === undefined) return;
  if (!isPlainObject(options)) throw misplaced(where, options, acceptedOptions, before);
  for (const name of Object.keys(options)) {
    const kind = kindIn(acceptedOptions, name);
    if (kind === undefined) throw unknownOption(where, name, namesIn(acceptedOptions));
    const value: unknown = options[name as keyof O];
    if (value === undefined || isOfKind(kind, value)) continue;
    throw wrongKind(where, name, kind, value);
  }
}

type AcceptedOptions = readonly string[] | Readonly<Record<string, OptionKind>>;

const namesIn = (accepted: AcceptedOptions): readonly string[] =>
  Array.isArray(accepted) ? (accepted as readonly string[]) : Object.keys(accepted);

/** The option's kind; undefined: there is none of that name. */
function kindIn(accepted: AcceptedOptions, name: string): OptionKind | undefined {
  if (Array.isArray(accepted)) return accepted.includes(name) ? "any" : undefined;
  const kind: unknown = (accepted as Readonly<Record<string, unknown>>)[name];
  // Properties that every object inherits are no kinds.
  return typeof kind === "string" || Array.isArray(kind) ? (kind as OptionKind) : undefined;
}

/** As `checkOptions`, where options must be given. @throws ErmineError ERMINE_OPTION */
export function requireOptions<O extends object>(
  where: string,
  options: O,
  accepted: OptionKinds<O>,
  before: string | readonly unknown[] = [],
): void {
  if (options === undefined) throw misplaced(where, options, accepted, before);
  checkOptions(where, options, accepted, before);
}

/**
 * As `requireOptions`, of a definition, which is nothing without some of its parts.
 *
 * @param needed the parts that must be there
 * @throws ErmineError ERMINE_OPTION
 * @example
 * checkDefinition("defineBox", { name: "b", size: 2 }, { name: "string", size: "number" }, ["name"]);
 */
export function checkDefinition<O extends object>(
  where: string,
  definition: O,
  accepted: OptionKinds<O>,
  needed: readonly (string & keyof O)[],
): void {
  requireOptions(where, definition, accepted);
  const missing = needed.find((name) => definition[name] === undefined);
  if (missing === undefined) return;
  const parts = needed.map((name) => `${name}: …`).join(", ");
  const { name } = definition as { readonly name?: unknown };
  const of = typeof name === "string" ? ` of ${show(name)}` : "";
  throw new ErmineError("ERMINE_OPTION", `${where}${of} needs ${missing}. Write ${where}({ ${parts} }).`);
}

function misplaced(where: string, value: unknown, accepted: AcceptedOptions, before: string | readonly unknown[]): ErmineError {
  const names = namesIn(accepted);
  const meant = names.find((name) => {
    const kind = kindIn(accepted, name)!;
    return value !== undefined && kind !== "any" && kind !== "object" && isOfKind(kind, value);
  });
  const object = meant === undefined ? `{ ${names.map((name) => `${name}: …`).join(", ")} }` : optionLiteral(meant, value);
  const argumentsBefore = typeof before === "string" ? [before] : before.map(show);
  const right = where.includes(" ") ? object : spellCall(where, [...argumentsBefore, object]);
  const remedy =
    names.length === 0 ? "It has none." : `Write ${right}${meant === undefined ? ", with those that you need" : ""}.`;
  return new ErmineError("ERMINE_OPTION", `${where} takes its options as an object, got ${show(value)}. ${remedy}`);
}

function unknownOption(where: string, name: string, names: readonly string[]): ErmineError {
  const near = nearestName(name, names, foreignSpellings);
  const hint = near === undefined ? `It has: ${names.join(", ") || "none"}.` : `Did you mean "${near}"?`;
  return new ErmineError("ERMINE_OPTION", `${where} has no option "${name}". ${hint}`);
}

/** @internal "a number or a list of numbers": a kind in a message. */
export const describeKind = (kind: OptionKind): string =>
  kind === "any" ? "something else" : (typeof kind === "string" ? [kind] : kind).map((one) => kinds[one][0]).join(" or ");

function wrongKind(where: string, name: string, kind: OptionKind, value: unknown): ErmineError {
  const list = (typeof kind === "string" ? [kind] : kind) as readonly Kind[];
  const isNumeric = typeof value === "number" || Array.isArray(value);
  const remedy =
    list[0] === "tensor" && isNumeric
      ? ` Write ${name}: ${typeof value === "number" ? "scalar" : "tensor"}(${show(value)}).`
      : "";
  return new ErmineError("ERMINE_OPTION", `${where}: ${name} is ${describeKind(kind)}, got ${show(value)}.${remedy}`);
}

/** The kind of each option, by its default; an option whose default is undefined is of the kind given. */
export function kindsOf<O extends object>(defaults: O, open: OptionKind = "any"): OptionKinds<O> {
  const ofValue = (value: unknown): OptionKind => {
    const type = typeof value;
    if (type === "number" || type === "boolean" || type === "string" || type === "function") return type;
    return value === undefined ? open : Array.isArray(value) ? "list" : "any";
  };
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, ofValue(value)])) as unknown as OptionKinds<O>;
}

/** The options with their defaults, checked: each is of its default's kind. @throws ErmineError ERMINE_OPTION */
export function withDefaults<O extends object>(where: string, options: Partial<O>, defaults: O): O {
  checkOptions<Partial<O>>(where, options, kindsOf<Partial<O>>(defaults));
  return { ...defaults, ...options };
}
