/** State as text: JSON extended by numbers that are not finite, −0, and typed arrays, which are tensors of the file. */
import { ErmineError, type TypedArray } from "@ermine/core";
import type { SavedState } from "../step/contract.js";

/** Levels of a text that is read: those of callbacks' states among them. */
const deepest = 100;

const isTyped = (value: object): value is TypedArray => ArrayBuffer.isView(value);

/** A text; typed arrays go to `keep`, which gives them a name. */
export function stateText(state: SavedState, keep: (array: TypedArray) => string): string {
  const encode = (value: SavedState): unknown => {
    if (typeof value === "number")
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? "-0" : String(value) };
    if (typeof value !== "object" || value === null) return value;
    if (isTyped(value)) return { $tensor: keep(value) };
    if (Array.isArray(value)) return (value as readonly SavedState[]).map(encode);
    const members = Object.entries(value as { readonly [key: string]: SavedState }).map(
      ([key, member]) => [key, encode(member)] as const,
    );
    // Objects whose keys could be taken for one of these.
    return members.some(([key]) => key.startsWith("$") || key === "__proto__")
      ? { $object: members }
      : Object.fromEntries(members);
  };
  return JSON.stringify(encode(state));
}

const numbers: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity, "-0": -0 };

/** @throws ErmineError ERMINE_DATA where it is no such text, or nested deeper than any state is */
export function readStateText(text: string, tensor: (name: string) => TypedArray | undefined): SavedState {
  checkDepth(text);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ErmineError("ERMINE_DATA", `The state in it is no JSON: ${(cause as Error).message}.`, { cause });
  }
  const decode = (value: unknown): SavedState => {
    if (typeof value !== "object" || value === null) return value as SavedState;
    if (Array.isArray(value)) return value.map(decode);
    const entries = Object.entries(value);
    const [first] = entries;
    if (first === undefined || !first[0].startsWith("$"))
      return Object.fromEntries(entries.map(([key, member]) => [key, decode(member)]));
    const [kind, content] = first;
    if (entries.length === 1 && kind === "$number" && typeof content === "string" && Object.hasOwn(numbers, content))
      return numbers[content]!;
    if (entries.length === 1 && kind === "$tensor" && typeof content === "string") {
      const elements = tensor(content);
      if (elements !== undefined) return elements;
    }
    const isMember = (member: unknown): member is [string, unknown] =>
      Array.isArray(member) && member.length === 2 && typeof member[0] === "string";
    if (entries.length === 1 && kind === "$object" && Array.isArray(content) && content.every(isMember))
      return Object.fromEntries(content.map(([key, member]) => [key, decode(member)]));
    throw new ErmineError(
      "ERMINE_DATA",
      `The state in it has ${JSON.stringify(kind)}, which is none of $number, $tensor and $object.`,
    );
  };
  return decode(json);
}

function checkDepth(text: string): void {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isInString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) isInString = false;
    } else if (c === 0x22) isInString = true;
    else if (c === 0x5b || c === 0x7b) {
      if (++depth > deepest) throw new ErmineError("ERMINE_DATA", `The state in it is nested more than ${deepest} levels deep.`);
    } else if (c === 0x5d || c === 0x7d) depth--;
  }
}
