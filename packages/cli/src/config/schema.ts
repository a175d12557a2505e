/** The configuration of a training: its schema, and how it is checked. */
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const positive = v.pipe(v.number(), v.gtValue(0), v.finite());
const share = v.pipe(v.number(), v.gtValue(0), v.ltValue(1));
const names = v.array(v.string());

/** Everything that a training is told. */
export const schema = v.strictObject({
  /** The file of the table. */
  data: v.string(),
  /** The column that is learned. */
  target: v.string(),
  /** What is learned; "auto": the target says it. */
  task: v.optional(v.picklist(["auto", "regression", "binary", "classes"]), "auto"),
  columns: v.optional(
    v.strictObject({
      /** The columns that are used; null: all. */
      include: v.optional(v.nullable(names), null),
      /** Columns that are left out. */
      exclude: v.optional(names, []),
      /** Kinds of columns that are not to be inferred. */
      kinds: v.optional(v.record(v.string(), v.picklist(["number", "category", "date", "text"])), {}),
    }),
    {},
  ),
  /** Rows that do not fit: an error, or left out and counted. */
  badRows: v.optional(v.picklist(["error", "skip"]), "error"),
  /** The file's encoding, as `TextDecoder` names it. */
  encoding: v.optional(v.string(), "utf-8"),
  split: v.optional(
    v.strictObject({
      /** The share of rows that the result is tested on. */
      test: v.optional(share, 0.2),
      /** Each row is tested on once, by as many trainings; null: one training, one test. */
      folds: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(100))), null),
      /** The column by which tests come after what is trained on; null: rows are drawn at random. */
      time: v.optional(v.nullable(v.string()), null),
    }),
    {},
  ),
  network: v.optional(
    v.strictObject({
      /** Units of each hidden layer. */
      hidden: v.optional(v.pipe(v.array(v.pipe(count, v.maxValue(8192))), v.minLength(1), v.maxLength(16)), [96, 96]),
      /** Networks whose mean is the answer; null: by the number of rows. */
      members: v.optional(v.nullable(v.pipe(count, v.maxValue(64))), null),
      /** The share of hidden units that a step leaves out. */
      dropout: v.optional(v.pipe(v.number(), v.minValue(0), v.ltValue(1)), 0.3),
      /** Most values of a category's vector. */
      embeddingSize: v.optional(v.pipe(count, v.maxValue(1024)), 8),
      /** Most bins of a number, between its quantiles; 0: none; null: by the number of rows. */
      bins: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256))), null),
    }),
    {},
  ),
  /** AdamW. */
  optimizer: v.optional(
    v.strictObject({
      learningRate: v.optional(positive, 0.001),
      weightDecay: v.optional(v.pipe(v.number(), v.minValue(0), v.finite()), 0.02),
    }),
    {},
  ),
  training: v.optional(
    v.strictObject({
      /** Most passes over the data. */
      epochs: v.optional(count, 300),
      /** Rows of a step; null: by the number of rows. */
      batchSize: v.optional(v.nullable(count), null),
      /** Epochs without a gain after which it ends. */
      patience: v.optional(count, 20),
      /** Seconds after which it ends; null: no limit. */
      timeLimit: v.optional(v.nullable(positive), null),
    }),
    {},
  ),
  /** What it runs on; "fastest": cpu, or for what takes longer the one of those installed whose steps take the least time. */
  backend: v.optional(v.picklist(["fastest", "cpu", "tfjs"]), "fastest"),
  /** Of splits, first weights, order and dropout. */
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1)), 0),
});

/** A configuration with all of its defaults. */
export type Configuration = v.InferOutput<typeof schema>;

/** @throws ErmineError ERMINE_OPTION with the path of what is wrong, and the nearest name of an unknown key */
export function checkConfiguration(where: string, given: unknown): Configuration {
  const result = v.safeParse(schema, given);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const place = path.join(".");
  if (issue.expected === "never") throw unknownKey(where, path);
  if (issue.type === "strict_object" && issue.received === "undefined")
    throw new ErmineError("ERMINE_OPTION", `${where} lacks ${place}.`);
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: ${place === "" ? "it" : place} must be ${expected(issue)}, got ${issue.received}.`,
  );
}

/** What schemas call kinds of values. */
const kinds: Readonly<Record<string, string>> = {
  number: "a number",
  string: "a text",
  Object: "keys and values",
  Array: "a list",
};

function expected({ type, requirement, expected: text }: v.BaseIssue<unknown>): string {
  const value = String(requirement);
  if (type === "integer") return "a whole number";
  if (type === "finite") return "finite";
  if (type === "min_value") return `at least ${value}`;
  if (type === "max_value") return `at most ${value}`;
  if (type === "gt_value") return `above ${value}`;
  if (type === "lt_value") return `below ${value}`;
  if (type === "min_length") return `a list of at least ${value}`;
  if (type === "max_length") return `a list of at most ${value}`;
  return kinds[text ?? ""] ?? text ?? "of another kind";
}

/** What others call the keys. */
const otherSpellings: Readonly<Record<string, string>> = {
  lr: "learningRate",
  learning_rate: "learningRate",
  weight_decay: "weightDecay",
  batch_size: "batchSize",
  embedding_dim: "embeddingSize",
  max_epochs: "epochs",
  layers: "hidden",
};

function unknownKey(where: string, path: readonly string[]): ErmineError {
  const siblings = keysAt(path.slice(0, -1));
  const near = nearestName(path.at(-1)!, siblings, otherSpellings);
  const elsewhere = near === undefined ? paths().find((one) => one.endsWith(`.${path.at(-1)}`)) : undefined;
  const hint =
    near !== undefined
      ? `Did you mean ${[...path.slice(0, -1), near].join(".")}?`
      : elsewhere !== undefined
        ? `Did you mean ${elsewhere}?`
        : `There are: ${siblings.join(", ")}.`;
  return new ErmineError("ERMINE_OPTION", `${where} has an unknown key ${path.join(".")}. ${hint}`);
}

interface Entries {
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly wrapped?: Entries;
}

/** The schema without what makes it optional. */
const bare = (entry: unknown): Entries =>
  (entry as Entries).wrapped === undefined ? (entry as Entries) : bare((entry as Entries).wrapped);

function keysAt(path: readonly string[]): string[] {
  const at = path.reduce<Entries>((entry, key) => bare(entry.entries?.[key] ?? {}), schema as Entries);
  return Object.keys(at.entries ?? {});
}

/** Every path of the configuration. */
export const paths = (): string[] =>
  keysAt([]).flatMap((key) => {
    const inner = keysAt([key]);
    return inner.length === 0 ? [key] : inner.map((name) => `${key}.${name}`);
  });
