/** Definitions of core's in the place of functions of a file. */
import type { FunctionProto } from "../proto/messages.js";
import type { Value } from "./value.js";

/** A definition in the place of a function. */
export interface Definition {
  /** The function's outputs of these inputs; undefined where it was not written for such inputs: then its body runs. */
  run(inputs: readonly (Value | undefined)[]): readonly Value[] | undefined;
}

/** Gives the definition that a function is; undefined: its body runs. */
export type FindDefinition = (proto: FunctionProto) => Definition | undefined;
