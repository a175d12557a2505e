/** Steps: what is done to a column, fitted on the training part, and kept as JSON. */
import { ErmineError } from "@ermine/core";
import { nearestName, show } from "@ermine/core/define";
import type { Block, Cell, Cells } from "./cells.js";

/** A step that has seen the training part. It never learns from what it is applied to. */
export interface FittedStep {
  /** The step's name, "standardize". */
  readonly kind: string;
  /** May another step come after it? */
  readonly allowsNext: boolean;
  /** What it makes of a column's name: a name for each value in a row. */
  names(column: string): readonly string[];
  /** What the model gets of the values. @throws ErmineError ERMINE_VALUE for a value that has no answer, with its row */
  apply(cells: Cells): Block;
  /** The values that give these, as far as they can be told: null for what was unknown. */
  invert(values: ArrayLike<number>): Cell[];
  /** All that was learned. */
  toJSON(): StepJson;
}

/** A fitted step as JSON. */
export interface StepJson {
  /** The step's name. */
  readonly kind: string;
  /** What it has learned. */
  readonly [field: string]: unknown;
}

/** A step that is to be fitted. */
export interface Step {
  /** The step's name. */
  readonly kind: string;
  /** Learns from the training part. @throws ErmineError ERMINE_DATA where nothing can be learned, ERMINE_VALUE for a value that does not fit, with its row */
  fit(cells: Cells): FittedStep;
}

/** What fields of a state may be. */
const fieldKinds = {
  number: (value: unknown) => Number.isFinite(value),
  boolean: (value: unknown) => typeof value === "boolean",
  cells: (value: unknown) => Array.isArray(value) && value.every(isCell),
  cell: (value: unknown) => isCell(value),
  numberOrNull: (value: unknown) => value === null || Number.isFinite(value),
  text: (value: unknown) => typeof value === "string",
  strings: (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === "string"),
} as const;

const isCell = (value: unknown): boolean => typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);

type Fields<S> = { readonly [K in keyof S]: keyof typeof fieldKinds };

/** What a fitted step does; `kind` and `toJSON` are made of its definition. */
export type Behaviour = Omit<FittedStep, "kind" | "toJSON">;

/** A kind of step: what its state holds, and what it does with it. */
export interface StepKind<S extends object> {
  readonly kind: string;
  readonly fields: Fields<S>;
  readonly behaviour: (state: S) => Behaviour;
}

/** A kind of step, whatever its state is. */
export interface AnyStepKind {
  readonly kind: string;
  readonly fields: Readonly<Record<string, keyof typeof fieldKinds>>;
  behaviour(state: never): Behaviour;
}

export const fitted = <S extends object>({ kind, behaviour }: StepKind<S>, state: S): FittedStep => ({
  kind,
  ...behaviour(state),
  toJSON: () => ({ kind, ...state }),
});

/** @throws ErmineError ERMINE_DATA where it is no state of a kind that there is */
export function stepFrom(json: unknown, kinds: readonly AnyStepKind[]): FittedStep {
  const { kind, ...state } = (typeof json === "object" && json !== null ? json : {}) as Partial<StepJson>;
  const definition = kinds.find((one) => one.kind === kind);
  if (definition === undefined) {
    const near =
      typeof kind === "string"
        ? nearestName(
            kind,
            kinds.map((one) => one.kind),
          )
        : undefined;
    throw damaged(`there is no step ${show(kind)}${near === undefined ? "" : `; did you mean "${near}"?`}`);
  }
  const { fields } = definition;
  for (const [name, field] of Object.entries(fields))
    if (!Object.hasOwn(state, name) || !fieldKinds[field](state[name]))
      throw damaged(`${kind} has ${name}: ${show(state[name])}`);
  return fitted(definition as StepKind<object>, Object.fromEntries(Object.keys(fields).map((name) => [name, state[name]])));
}

export const damaged = (problem: string): ErmineError =>
  new ErmineError("ERMINE_DATA", `The preprocessing cannot be read: ${problem}. Take what toJSON() gave, of this version.`);
