/** What a law is: a sentence about a backend, tried on each definition by itself. */
import type { Backend } from "@ermine/core";
import type { Definitions } from "./definitions.js";

/** One definition under one law. */
export interface Trial {
  /** The definition's name, with its options. */
  readonly name: string;
  /** @throws Error where the law does not hold, with the inputs at which it does not */
  check(backend: Backend): Promise<void>;
}

export interface Law {
  /** "backend = reference". */
  readonly name: string;
  trials(definitions: Definitions): readonly Trial[];
}
