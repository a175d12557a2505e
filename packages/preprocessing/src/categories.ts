/** Categories: each value is one of those of the training part. */
import { ErmineError } from "@ermine/core";
import { checkArgument, checkArguments, checkOptions, show } from "@ermine/core/define";
import { isMissing, type Cell, type Cells } from "./cells.js";
import { fitted, type Step, type StepKind } from "./step.js";

type Category = Exclude<Cell, null>;

interface CategoryState {
  readonly categories: readonly Category[];
}

/** The options of `oneHot`, `ordinal` and `embeddingIds`. */
export interface CategoryOptions {
  /** The categories in order. Default: those of the training part; numbers ascending, texts by their characters. */
  readonly categories?: readonly (string | number | boolean)[];
  /** How often a category must be there to be one; a rarer one is as unknown. Default 1. */
  readonly minCount?: number;
}

/** The options of `ordinal`. */
export interface OrdinalOptions extends CategoryOptions {
  /** The number of an unknown or missing value. Default: there is none, it is an error. */
  readonly unknown?: number;
}

/** The categories, once each, in order. @throws ErmineError ERMINE_DATA where there is none, ERMINE_OPTION */
function learned(kind: string, cells: Cells, { categories, minCount = 1 }: CategoryOptions): Category[] {
  if (!Number.isInteger(minCount) || minCount < 1)
    throw new ErmineError("ERMINE_OPTION", `${kind}: minCount is a whole number ≥ 1, got ${show(minCount)}.`);
  if (categories !== undefined) {
    if (categories.some(isMissing) || new Set(categories).size < categories.length)
      throw new ErmineError("ERMINE_OPTION", `${kind}: categories are values, each once, got ${show(categories)}.`);
    return [...categories];
  }
  const counts = new Map<Category, number>();
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]!;
    if (!isMissing(cell)) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const kept = [...counts].flatMap(([category, count]) => (count >= minCount ? [category] : [])).sort(inOrder);
  if (kept.length > 0) return kept;
  throw new ErmineError(
    "ERMINE_DATA",
    `${kind}: the training part has no value that is there ${minCount === 1 ? "" : `${minCount} times`}. Leave the column out.`,
  );
}

const inOrder = (a: Category, b: Category): number => (typeof a === typeof b ? (a < b ? -1 : 1) : typeof a < typeof b ? -1 : 1);

const indexOf = (categories: readonly Category[]): ReadonlyMap<Cell, number> =>
  new Map(categories.map((category, i) => [category, i]));

const unknown = (kind: string, row: number, cell: Cell, known: readonly Category[], remedy: string): ErmineError =>
  new ErmineError(
    "ERMINE_VALUE",
    `${kind}: row ${row} is ${isMissing(cell) ? "missing" : show(cell)}, and the training part has: ${known.slice(0, 10).map(show).join(", ")}${known.length > 10 ? ", …" : ""}. ${remedy}`,
  );

const kinds = { categories: "list", minCount: "number" } as const;

export const oneHotKind: StepKind<CategoryState> = {
  kind: "oneHot",
  fields: { categories: "cells" },
  behaviour: ({ categories }) => {
    const indices = indexOf(categories);
    const width = categories.length;
    return {
      allowsNext: false,
      names: (column) => categories.map((category) => `${column}=${String(category)}`),
      apply: (cells) => {
        const values = new Float64Array(cells.length * width);
        for (let row = 0; row < cells.length; row++) {
          const index = indices.get(cells[row]!);
          if (index !== undefined) values[row * width + index] = 1;
        }
        return { values, width, dtype: "float32" };
      },
      invert: (values) =>
        Array.from({ length: values.length / width }, (_, row) => {
          const scores = Array.from({ length: width }, (_, i) => values[row * width + i]!);
          const most = Math.max(...scores);
          return most > 0 ? categories[scores.indexOf(most)]! : null;
        }),
    };
  },
};

/**
 * A column of 0 and 1 for each category of the training part. An unknown or missing value is 0 in all of them.
 *
 * @example
 * oneHot().fit(["b", "a", "b"]).apply(["a", "b", "new", null]).values; // => [1, 0, 0, 1, 0, 0, 0, 0]
 * @throws ErmineError ERMINE_OPTION
 */
export function oneHot(options: CategoryOptions = {}): Step {
  if (arguments.length > 1) checkArguments("oneHot", arguments, 1);
  checkOptions<CategoryOptions>("oneHot", options, kinds);
  return { kind: "oneHot", fit: (cells) => fitted(oneHotKind, { categories: learned("oneHot", cells, options) }) };
}

interface OrdinalState extends CategoryState {
  readonly unknown: number | null;
}

export const ordinalKind: StepKind<OrdinalState> = {
  kind: "ordinal",
  fields: { categories: "cells", unknown: "numberOrNull" },
  behaviour: ({ categories, unknown: other }) => {
    const indices = indexOf(categories);
    return {
      allowsNext: true,
      names: (column) => [column],
      apply: (cells) => ({
        values: Float64Array.from({ length: cells.length }, (_, row) => {
          const index = indices.get(cells[row]!) ?? other;
          if (index === null)
            throw unknown("ordinal", row, cells[row]!, categories, "State { unknown: -1 }, or another number for such values.");
          return index;
        }),
        width: 1,
        dtype: "float32",
      }),
      invert: (values) => Array.from(values, (value) => categories[Math.round(value)] ?? null),
    };
  },
};

/**
 * The category's place in their order, 0, 1, 2, …: for categories that have one ("small", "medium", "large"; state them).
 *
 * @example
 * const sizes = ordinal({ categories: ["small", "medium", "large"], unknown: -1 });
 * sizes.fit([]).apply(["large", "small", null]).values; // => [2, 0, -1]
 * @throws ErmineError ERMINE_OPTION
 */
export function ordinal(options: OrdinalOptions = {}): Step {
  if (arguments.length > 1) checkArguments("ordinal", arguments, 1);
  checkOptions<OrdinalOptions>("ordinal", options, { ...kinds, unknown: "number" });
  const { unknown: other = null } = options;
  return {
    kind: "ordinal",
    fit: (cells) => fitted(ordinalKind, { categories: learned("ordinal", cells, options), unknown: other }),
  };
}

function idsOf(cells: Cells, indices: ReadonlyMap<Cell, number>): Int32Array {
  const ids = new Int32Array(cells.length);
  for (let row = 0; row < ids.length; row++) ids[row] = (indices.get(cells[row]!) ?? -1) + 1;
  return ids;
}

export const embeddingIdsKind: StepKind<CategoryState> = {
  kind: "embeddingIds",
  fields: { categories: "cells" },
  behaviour: ({ categories }) => {
    const indices = indexOf(categories);
    return {
      allowsNext: false,
      names: (column) => [column],
      apply: (cells) => ({
        values: idsOf(cells, indices),
        width: 1,
        dtype: "int32",
      }),
      invert: (values) => Array.from(values, (id) => categories[id - 1] ?? null),
    };
  },
};

/**
 * The row of an embedding for each category: 1, 2, 3, …; 0 is for unknown and missing values. The table has one row more than there are categories.
 *
 * @example
 * embeddingIds().fit(["b", "a"]).apply(["a", "b", "new", null]).values; // => [1, 2, 0, 0]
 * @throws ErmineError ERMINE_OPTION
 */
export function embeddingIds(options: CategoryOptions = {}): Step {
  if (arguments.length > 1) checkArguments("embeddingIds", arguments, 1);
  checkOptions<CategoryOptions>("embeddingIds", options, kinds);
  return {
    kind: "embeddingIds",
    fit: (cells) => fitted(embeddingIdsKind, { categories: learned("embeddingIds", cells, options) }),
  };
}

/** Classes of a target, as indices. */
export class TargetClasses {
  /** The classes in order: class i is the model's output i. */
  readonly classes: readonly (string | number | boolean)[];
  readonly #indices: ReadonlyMap<Cell, number>;

  /** @internal */
  constructor(classes: readonly Category[]) {
    this.classes = classes;
    this.#indices = indexOf(classes);
  }

  /**
   * The index of each value's class, as losses take it.
   *
   * @throws ErmineError ERMINE_VALUE for a value that is missing or no class, with its row
   */
  apply(cells: Cells): Int32Array {
    return Int32Array.from({ length: cells.length }, (_, row) => {
      const index = this.#indices.get(cells[row]!);
      if (index !== undefined) return index;
      throw unknown("targetClasses", row, cells[row]!, this.classes, "Leave such rows out.");
    });
  }

  /** The classes with these indices, as `predict(…, { as: "classes" })` gives them. @throws ErmineError ERMINE_VALUE for an index that is none */
  invert(indices: ArrayLike<number>): (string | number | boolean)[] {
    return Array.from(indices, (index) => {
      const label = this.classes[index];
      if (label !== undefined) return label;
      throw new ErmineError(
        "ERMINE_VALUE",
        `targetClasses: there is no class ${show(index)}: there are ${this.classes.length}, 0 … ${this.classes.length - 1}.`,
      );
    });
  }

  /** The classes, as `targetClassesFrom` reads them. */
  toJSON(): TargetClassesJson {
    return { kind: "targetClasses", classes: this.classes };
  }
}

/** Target classes as JSON. */
export interface TargetClassesJson {
  /** Says what it is. */
  readonly kind: "targetClasses";
  /** The classes in order. */
  readonly classes: readonly (string | number | boolean)[];
}

/**
 * The classes of a target column, in order; numbers ascending, texts by their characters.
 *
 * @param cells the training part's values
 *
 * @example
 * const species = targetClasses(["mouse", "ermine", "mouse"]);
 * [...species.apply(["ermine", "mouse"]), ...species.invert([1])]; // => [0, 1, "mouse"]
 * @throws ErmineError ERMINE_DATA where there are not two classes, ERMINE_VALUE for a missing value, with its row
 */
export function targetClasses(cells: Cells): TargetClasses {
  if (arguments.length > 1) checkArguments("targetClasses", arguments, 1);
  if (!Array.isArray(cells) && !ArrayBuffer.isView(cells)) checkArgument("targetClasses(cells)", "cells", cells, "list");
  const missing = Array.from(cells).findIndex(isMissing);
  if (missing >= 0)
    throw new ErmineError(
      "ERMINE_VALUE",
      `targetClasses: row ${missing} is missing. Leave such rows out: table.filter((row) => row.target !== null).`,
    );
  const classes = learned("targetClasses", cells, {});
  if (classes.length > 1) return new TargetClasses(classes);
  throw new ErmineError(
    "ERMINE_DATA",
    `targetClasses: all ${cells.length} rows are ${show(classes[0])}: there is nothing to tell apart.`,
  );
}
