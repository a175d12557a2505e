/**
 * Arguments by position: each is of its kind, or refused with the call that is meant. A call is named by its signature, "clamp(x, min, max)", of
 * which a message makes what to write.
 */
import { ErmineError } from "./errors.js";
import { describeKind, isOfKind, isPlainObject, isTensor, show, spellCall, type OptionKind } from "./options.js";

/** "clamp" of "clamp(x, min, max)". */
export function nameOf(signature: string): string {
  const end = signature.indexOf("(");
  return end < 0 ? signature : signature.slice(0, end);
}

/** @internal "x", "min" and "max" of "clamp(x, min, max)". */
export const parametersOf = (signature: string): readonly string[] => {
  const list = signature.slice(nameOf(signature).length + 1, -1);
  return list === "" ? [] : list.split(", ");
};

/** An argument as it stands in a call: a tensor is "x". */
const argumentText = (value: unknown): string => (isTensor(value) ? "x" : show(value));

/** The call that is probably meant where `value` is passed as `name`: `{ min: 0 }` names its arguments, `[0, 1]` are several. */
function meant(signature: string, name: string, value: unknown): string {
  const parameters = parametersOf(signature);
  const args = [...parameters];
  const at = parameters.indexOf(name);
  if (isPlainObject(value)) {
    for (const [key, inside] of Object.entries(value)) {
      const place = parameters.indexOf(key);
      if (place >= 0) args[place] = argumentText(inside);
    }
  } else if (Array.isArray(value) && value.length <= parameters.length - at) {
    args.splice(at, value.length, ...value.map(argumentText));
  }
  return spellCall(nameOf(signature), args);
}

/** The error for a value of another kind at the argument `name`. */
export const wrongArgument = (signature: string, name: string, value: unknown, kind: OptionKind): ErmineError =>
  misplacedArgument(signature, name, value, describeKind(kind));

/** @internal The error for a value at the argument `name`, which is `text`: "a graph". */
export function misplacedArgument(signature: string, name: string, value: unknown, text: string): ErmineError {
  const remedy = signature.includes("(") ? ` Write ${meant(signature, name, value)}.` : "";
  return new ErmineError("ERMINE_USAGE", `${nameOf(signature)}: ${name} is ${text}, got ${show(value)}.${remedy}`);
}

/**
 * Refuses what is not of the kind of the argument `name`.
 *
 * @param signature "clamp(x, min, max)"
 * @throws ErmineError ERMINE_USAGE with the call that is meant
 * @example
 * checkArgument("scale(x, factor)", "factor", 2, "number");
 */
export function checkArgument(signature: string, name: string, value: unknown, kind: OptionKind): void {
  if (!isOfKind(kind, value)) throw wrongArgument(signature, name, value, kind);
}

/**
 * Refuses arguments beyond those that there are, which would have no effect.
 *
 * @param right the call that may be meant
 * @throws ErmineError ERMINE_USAGE
 */
export function checkArguments(where: string, received: ArrayLike<unknown>, most: number, right?: string): void {
  if (received.length <= most) return;
  const args = Array.from(received, argument);
  const intended = right ?? spellCall(where, args.slice(0, most));
  throw new ErmineError(
    "ERMINE_USAGE",
    `${spellCall(where, args)} has ${received.length} arguments, and there ${most === 1 ? "is" : "are"} ${most === 0 ? "none" : most}: the others would be ignored. Write ${intended}.`,
  );
}

/**
 * As `checkArguments`, of a function of tensors alone: it goes to `map`, which adds a place and the array, and to `reduce`.
 *
 * @throws ErmineError ERMINE_USAGE
 */
export function checkMapped(where: string, args: ArrayLike<unknown>, most: number): void {
  const added = args.length === most + 2 && Number.isInteger(args[most]) && Array.isArray(args[most + 1]);
  if (!added) checkArguments(where, args, most);
}

const argument = (value: unknown): string => (isTensor(value) ? "x" : isPlainObject(value) ? "{ … }" : show(value));

/**
 * Refuses what is no list where the argument at `at` must be one, and more arguments where it is the last.
 *
 * @throws ErmineError ERMINE_USAGE that puts what stands there into a list
 */
export function checkList(where: string, received: ArrayLike<unknown>, at: number, most: number = at + 1): void {
  if (Array.isArray(received[at])) return checkArguments(where, received, most);
  const args = Array.from(received, argument);
  const items = ArrayBuffer.isView(received[at])
    ? Array.from(received[at] as unknown as ArrayLike<number>, String)
    : args.slice(at);
  const right = spellCall(where, [...args.slice(0, at), `[${items.join(", ")}]`]);
  throw new ErmineError("ERMINE_USAGE", `${spellCall(where, args)}: argument ${at + 1} is a list. Write ${right}.`);
}

/**
 * Refuses what is no function; `right` shows a right call.
 *
 * @throws ErmineError ERMINE_USAGE that spells the right call, where something is no function
 */
export function checkFunction(where: string, value: unknown, right: string): void {
  if (typeof value === "function") return;
  throw new ErmineError("ERMINE_USAGE", `${where} takes a function, got ${show(value)}. Write ${right}.`);
}
