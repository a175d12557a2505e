/** Facts about a definition, each under its name: for the gallery and the terminal. */
import type { ActivationEntry, LossEntry } from "@ermine/core/catalog";

/** A name and a text; undefined or empty: nothing is known. */
export type Fact = readonly [name: string, text: string | undefined];

export const activationFacts = ({ prose }: ActivationEntry): readonly Fact[] => [
  ["Formula", prose?.formula],
  ["Derivative", prose?.derivative],
  ["Range", prose?.range],
  ["Saturates", prose?.saturates],
  ["Role", prose?.role],
];

export const lossFacts = ({ prose }: LossEntry): readonly Fact[] => [
  ["Formula", prose?.formula],
  ["Gradient", prose?.derivative],
  ["Expects", prose?.expects],
  ["Targets", prose?.targets],
  ["Use", prose?.use],
  ["Outliers", prose?.outliers],
];
