/** A law: a sentence about a backend, tried on each definition by itself. */
import type { Backend } from "@ermine/core";
import type { Definitions } from "./definitions.js";

/** One definition under one law. */
export interface Trial {
  /** The definition's name, with its options. */
  readonly name: string;
  /**
   * Throws where the law does not hold.
   *
   * @throws Error where the law does not hold, with the inputs at which it does not
   */
  check(backend: Backend): Promise<void>;
}

/** Something that holds for every definition on every backend. */
export interface Law {
  /** "backend = reference". */
  readonly name: string;
  /** A trial for each definition that the law is about. */
  trials(definitions: Definitions): readonly Trial[];
}
