/** What each column of a table is to a training: the target, a feature of some kind, or nothing. */
import { ErmineError } from "@ermine/core";
import type { Cell, Table } from "@ermine/data";
import { dates } from "@ermine/preprocessing";
import { isMissing, type ColumnContents, contentsOf } from "./contents.js";

/** What is learned: numbers, one of two classes, or one of several. */
export type Task = "regression" | "binary" | "classes";

/** How a column becomes features. */
export type FeatureKind = "number" | "category" | "date" | "text";

/** A column that the model is given. */
export interface FeatureRole {
  readonly column: string;
  readonly kind: FeatureKind;
}

/** What a table's columns are. */
export interface Roles {
  readonly target: string;
  readonly task: Task;
  readonly features: readonly FeatureRole[];
  /** The column by which rows are in time; null: they are not. */
  readonly time: string | null;
}

/** What is stated, in place of being inferred. */
export interface RoleOptions {
  readonly target: string;
  readonly task: Task | "auto";
  /** The columns that are used; undefined: all. */
  readonly include: readonly string[] | undefined;
  /** Columns that are left out. */
  readonly exclude: readonly string[];
  /** Kinds of columns that are not to be inferred. */
  readonly kinds: Readonly<Record<string, FeatureKind>>;
  /** The column by which rows are in time. */
  readonly time: string | undefined;
}

/** Told of what was inferred or left out. */
export type Note = (message: string) => void;

/** A target of so few different numbers, all of them whole, has classes. */
const mostNumericClasses = 10;
/** Most classes of a target. */
const mostClasses = 1000;
/** Most columns that a training takes. */
const mostColumns = 10_000;
/** Rows with a target that training and test need. */
const fewestRows = 10;

/** The column of that name; one of the same name in other letters is meant where there is none. @throws ErmineError ERMINE_DATA where there is none, with the nearest */
export function columnNamed(table: Table, name: string): string {
  if (table.names.includes(name)) return name;
  const alike = table.names.filter((other) => other.toLowerCase() === name.trim().toLowerCase());
  if (alike.length === 1) return alike[0]!;
  table.column(name);
  return name;
}

/** The options with the names that the table has. @throws ErmineError ERMINE_DATA as `columnNamed` */
export function withNamesOf(table: Table, { target, task, include, exclude, kinds, time }: RoleOptions): RoleOptions {
  const named = (name: string): string => columnNamed(table, name);
  return {
    target: named(target),
    task,
    include: include?.map(named),
    exclude: exclude.map(named),
    kinds: Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [named(name), kind])),
    time: time === undefined ? undefined : named(time),
  };
}

/**
 * What the columns are.
 *
 * @param note told of each column that is left out, and of what was inferred and might be meant otherwise
 * @throws ErmineError ERMINE_DATA where a column that is stated is not there, the target cannot be learned, or no feature is left
 */
export function rolesOf(table: Table, stated: RoleOptions, note: Note): Roles {
  const options = withNamesOf(table, stated);
  const { target, include, exclude, kinds, time } = options;
  const task = taskOf(table, options, note);
  const isUsed = (name: string): boolean =>
    name !== target && (include === undefined || include.includes(name)) && !exclude.includes(name);
  const names = table.names.filter(isUsed);
  if (names.length > mostColumns)
    throw new ErmineError(
      "ERMINE_DATA",
      `The table has ${names.length} columns next to the target, and at most ${mostColumns} are trained on. Choose some: --columns a,b,c.`,
    );
  const features = names.flatMap((column): FeatureRole[] => {
    const answer = Object.hasOwn(kinds, column)
      ? kindAsStated(table, column, kinds[column]!)
      : kindOf(table, column, column === time);
    if (typeof answer === "string") return [{ column, kind: answer }];
    note(`${JSON.stringify(column)} is left out: ${answer.why}`);
    return [];
  });
  if (features.length > 0) return { target, task, features, time: time ?? null };
  throw new ErmineError("ERMINE_DATA", `There is no column to learn ${JSON.stringify(target)} from.`);
}

/** @throws ErmineError ERMINE_DATA where the column's values are of another kind */
function kindAsStated(table: Table, name: string, kind: FeatureKind): FeatureKind {
  const column = table.column(name);
  const fits =
    kind === "category" ||
    (kind === "number"
      ? column.kind === "number"
      : column.kind === "string" && (kind === "text" || areDates(contentsOf(column.values))));
  if (fits) return kind;
  const stated = { number: "numbers", date: "dates of ISO 8601", text: "texts" }[kind];
  throw new ErmineError(
    "ERMINE_DATA",
    `The column ${JSON.stringify(name)} was stated to have ${stated}, and it has other values.`,
  );
}

/** The kind of a column, or why it is left out. */
function kindOf(table: Table, name: string, isTime: boolean): FeatureKind | { readonly why: string } {
  const { kind, values } = table.column(name);
  const contents = contentsOf(values);
  const { present, distinct } = contents;
  if (present === 0) return { why: "all of its values are missing." };
  if (distinct.size === 1 && present === table.length)
    return { why: `all of its values are ${JSON.stringify([...distinct][0])}.` };
  if (kind === "boolean") return "category";
  if (kind === "number") {
    if (isTime) return { why: "it says when, and later rows have other values." };
    return isCounter(values as Float64Array) ? { why: "it counts the rows." } : "number";
  }
  if (areDates(contents)) return "date";
  if (distinct.size <= 20 || distinct.size <= present / 2) return "category";
  if (areSentences(distinct as ReadonlySet<string>)) return "text";

  return {
    why: `${distinct.size} of its ${present} texts are different, as those of an identifier. If they are categories or words: --set columns.kinds.${name}=category, or =text.`,
  };
}

/** Texts of so many words in the mean are sentences, not names. */
const wordsOfSentences = 3;
/** Most texts that are looked at. */
const lookedAt = 1000;

function areSentences(texts: ReadonlySet<string>): boolean {
  const some = [...texts].slice(0, lookedAt);
  const words = some.reduce((sum, text) => sum + text.split(/\s+/u).filter((word) => /\p{L}/u.test(word)).length, 0);
  return words >= wordsOfSentences * some.length;
}

/** Each value is one more than the one before it. */
const isCounter = (values: Float64Array): boolean =>
  values.length > 2 && values.every((value, i) => Number.isInteger(value) && (i === 0 || value === values[i - 1]! + 1));

function areDates({ distinct }: ColumnContents): boolean {
  const texts = [...distinct] as readonly string[];
  if (texts.length === 0 || !/^\d{4}-\d\d-\d\d/.test(texts[0]!)) return false;
  try {
    dates().fit(texts);
    return true;
  } catch (error) {
    if (error instanceof ErmineError) return false;
    throw error;
  }
}

/** @throws ErmineError ERMINE_DATA where the target is not there, or cannot be learned */
function taskOf(table: Table, { target, task }: RoleOptions, note: Note): Task {
  const { kind, values } = table.column(target);
  const { present, distinct } = contentsOf(values);
  const named = JSON.stringify(target);
  const refuse = (message: string): never => {
    throw new ErmineError("ERMINE_DATA", message);
  };
  if (present === 0) refuse(`The target ${named} is missing in all ${table.length} rows.`);
  if (present < table.length) note(`${table.length - present} of ${table.length} rows have no ${named} and are left out.`);
  if (distinct.size === 1)
    refuse(`The target ${named} is ${JSON.stringify([...distinct][0])} in all ${present} rows: there is nothing to learn.`);
  if (present < fewestRows) refuse(`Only ${present} rows have a ${named}, and ${fewestRows} are needed to train and to test.`);
  if (task === "regression") {
    if (kind !== "number")
      refuse(`The target ${named} has ${kind === "string" ? "texts" : "truth values"}, which are no amounts.`);
    return "regression";
  }
  const ofClasses = distinct.size === 2 ? "binary" : "classes";
  if (task === "binary" && ofClasses !== "binary")
    refuse(`The target ${named} has ${distinct.size} different values, and a binary one has 2.`);
  if (task === "auto" && kind === "number" && distinct.size > 2) {
    const areWhole = [...distinct].every((value) => Number.isInteger(value));
    if (!areWhole || distinct.size > mostNumericClasses || present < 5 * distinct.size) return "regression";
    note(`${named} has ${distinct.size} different whole numbers, taken for classes. If they are amounts: --task regression.`);
  }
  if (distinct.size > mostClasses || (distinct.size > 2 && distinct.size > present / 2))
    refuse(
      `The target ${named} has ${distinct.size} different values in ${present} rows, too many to tell apart. Is it an identifier, or a number with a unit?`,
    );
  return task === "auto" ? ofClasses : task;
}

/** The rows that have a target. */
export function withTarget(table: Table, target: string): Table {
  const values = table.values(target) as ArrayLike<Cell>;
  const rows = Array.from({ length: table.length }, (_, row) => row).filter((row) => !isMissing(values[row]!));
  return rows.length === table.length ? table : table.select(rows);
}
