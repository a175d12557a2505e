/** A form of the grammar: one way to add a call, or a few that belong together, to a program. */
import type { Builder } from "../builder.js";

export interface Form {
  /** The function that it calls; a function that core exports without a form breaks a test. */
  readonly name: string;
  /** How often it is drawn; 1 is usual. */
  readonly weight: number;
  /** @throws Refused where nothing fits */
  draw(b: Builder): unknown;
}

export const form = (name: string, draw: (b: Builder) => unknown, weight = 1): Form => ({ name, weight, draw });
