/** Texts as ids of words or bytes, all of one length. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import { isMissing, type Cell, type Cells } from "./cells.js";
import { damaged, fitted, type Behaviour, type Step, type StepKind } from "./step.js";

/** How texts are cut into words or bytes. */
export interface TextOptions {
  /** What an id stands for: a word of the training part's vocabulary, or a byte of UTF-8. Default "words". */
  readonly unit?: "words" | "bytes";
  /** Makes all letters small. Default true for words, false for bytes. */
  readonly lowercase?: boolean;
  /** What a word is: a regular expression, with the flag u. Default: letters and digits, and apostrophes between them. Not for bytes. */
  readonly pattern?: string;
}

/** The options of `textIds`. */
export interface TextIdsOptions extends TextOptions {
  /** Most words of the vocabulary: the most frequent ones, and of equally frequent ones the first by their characters. Default 20000. Not for bytes. */
  readonly vocabulary?: number;
  /** How often a word must be there to be in the vocabulary. Default 1. Not for bytes. */
  readonly minCount?: number;
  /** Ids of a text: a longer one is cut off, a shorter one is filled with 0. Default: the longest text of the training part, at most 256. */
  readonly length?: number;
}

interface TextState {
  readonly unit: string;
  readonly lowercase: boolean;
  /** "": of bytes. */
  readonly pattern: string;
  readonly length: number;
}

interface TextIdsState extends TextState {
  readonly vocabulary: readonly string[];
}

const words = "[\\p{L}\\p{N}]+(?:['’][\\p{L}\\p{N}]+)*";
const mostIds = 256;
/** Ids of words begin after that of padding and that of unknown words; those of bytes after that of padding. */
const [padding, unknown] = [0, 1];

const kinds = { unit: "string", lowercase: "boolean", pattern: "string" } as const;

/** Cuts texts in pieces: words, or single bytes as characters. */
class Cutter {
  readonly #isBytes: boolean;
  readonly #lowercase: boolean;
  readonly #pattern: RegExp;
  readonly #encoder = new TextEncoder();

  /** @throws SyntaxError for a pattern that is no regular expression */
  constructor({ unit, lowercase, pattern }: TextState) {
    this.#isBytes = unit === "bytes";
    this.#lowercase = lowercase;
    this.#pattern = new RegExp(pattern, "gu");
  }

  #normalized(text: string): string {
    const composed = text.normalize("NFC");
    return this.#lowercase ? composed.toLowerCase() : composed;
  }

  words(text: string): string[] {
    return (this.#normalized(text).match(this.#pattern) ?? []).filter((word) => word !== "");
  }

  bytes(text: string): Uint8Array {
    return this.#encoder.encode(this.#normalized(text));
  }

  /** How many pieces it has. */
  count(text: string): number {
    return (this.#isBytes ? this.bytes(text) : this.words(text)).length;
  }
}

/** @throws ErmineError ERMINE_VALUE for what is no text */
function textOf(kind: string, row: number, cell: Cell): string {
  if (typeof cell === "string") return cell;
  throw new ErmineError("ERMINE_VALUE", `${kind}: row ${row} is ${show(cell)}, and a text is needed.`);
}

/** @throws ErmineError ERMINE_DATA where a state of a file cannot be */
function cutterOf(state: TextState): Cutter {
  if ((state.unit !== "words" && state.unit !== "bytes") || !(Number.isInteger(state.length) && state.length >= 1))
    throw damaged(`texts have unit: ${show(state.unit)} and length: ${show(state.length)}`);
  try {
    return new Cutter(state);
  } catch (error) {
    throw damaged(`texts have the pattern ${show(state.pattern)} (${(error as Error).message})`);
  }
}

export const textIdsKind: StepKind<TextIdsState> = {
  kind: "textIds",
  fields: { unit: "text", lowercase: "boolean", pattern: "text", length: "number", vocabulary: "strings" },
  behaviour: (state): Behaviour => {
    const { unit, length, vocabulary } = state;
    const cutter = cutterOf(state);
    const ids = new Map(vocabulary.map((word, i) => [word, i + 2]));
    const isBytes = unit === "bytes";
    return {
      allowsNext: false,
      names: (column) => Array.from({ length }, (_, place) => `${column}[${place}]`),
      apply: (cells) => {
        const values = new Int32Array(cells.length * length);
        for (let row = 0; row < cells.length; row++) {
          const cell = cells[row]!;
          if (isMissing(cell)) continue;
          const text = textOf("textIds", row, cell);
          if (isBytes)
            cutter
              .bytes(text)
              .subarray(0, length)
              .forEach((byte, place) => (values[row * length + place] = byte + 1));
          else
            cutter
              .words(text)
              .slice(0, length)
              .forEach((word, place) => (values[row * length + place] = ids.get(word) ?? unknown));
        }
        return { values, width: length, dtype: "int32" };
      },
      invert: (values) =>
        Array.from({ length: values.length / length }, (_, row) => {
          const present = Array.from({ length }, (_id, place) => values[row * length + place]!).filter((id) => id !== padding);
          if (isBytes) return new TextDecoder().decode(Uint8Array.from(present, (id) => id - 1));
          return present.map((id) => vocabulary[id - 2] ?? "\ufffd").join(" ");
        }),
    };
  },
};

export const textLengthKind: StepKind<TextState> = {
  kind: "textLength",
  fields: { unit: "text", lowercase: "boolean", pattern: "text", length: "number" },
  behaviour: (state): Behaviour => {
    const cutter = cutterOf(state);
    return {
      allowsNext: false,
      names: (column) => [column],
      apply: (cells) => {
        const values = new Int32Array(cells.length);
        for (let row = 0; row < cells.length; row++) {
          const cell = cells[row]!;
          if (!isMissing(cell)) values[row] = Math.min(state.length, cutter.count(textOf("textLength", row, cell)));
        }
        return { values, width: 1, dtype: "int32" };
      },
      invert: (values) => Array.from(values, () => null),
    };
  },
};

/** @throws ErmineError ERMINE_OPTION where options do not fit */
function stateOf(
  where: string,
  { unit = "words", lowercase = unit === "words", pattern }: TextOptions,
): Omit<TextState, "length"> {
  if (unit !== "words" && unit !== "bytes")
    throw new ErmineError("ERMINE_OPTION", `${where}: unit is "words" or "bytes", got ${show(unit)}.`);
  if (unit === "bytes" && pattern !== undefined)
    throw new ErmineError("ERMINE_OPTION", `${where}: pattern says what words are, and unit is "bytes". Leave it out.`);
  const state = { unit, lowercase, pattern: unit === "bytes" ? "" : (pattern ?? words) };
  try {
    new RegExp(state.pattern, "gu");
  } catch (error) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: pattern ${show(pattern)} is no regular expression: ${(error as Error).message}.`,
      {
        cause: error,
      },
    );
  }
  return state;
}

function checkWhole(where: string, name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is a whole number ≥ 1, got ${show(value)}.`);
}

/** The most frequent words; of equally frequent ones the first by their characters. */
function vocabularyOf(counts: ReadonlyMap<string, number>, most: number, least: number): string[] {
  const kept = [...counts].filter(([, count]) => count >= least);
  kept.sort(([a, ofA], [b, ofB]) => ofB - ofA || (a < b ? -1 : 1));
  return kept.slice(0, most).map(([word]) => word);
}

/**
 * Texts as ids for an `Embedding`, all of one length: of words 0 fills, 1 is unknown, 2, 3, … are the vocabulary; of bytes 0 fills and b + 1 is the byte b. Texts are
 * composed (Unicode's NFC) before they are cut. A missing text is all 0. The vocabulary is of the training part.
 *
 * @example
 * const titles = textIds({ length: 4 }).fit(["The ermine", "the mouse's nest"]);
 * titles.toJSON().vocabulary; // => ["the", "ermine", "mouse's", "nest"]
 * titles.apply(["An ERMINE nest", null]).values; // => [1, 3, 5, 0, 0, 0, 0, 0]
 * textIds({ unit: "bytes", length: 3 }).fit([]).apply(["ab"]).values; // => [98, 99, 0]
 * @throws ErmineError ERMINE_OPTION for an option that does not fit; when it is fitted, ERMINE_DATA where the training part has no word, ERMINE_VALUE for what is no text
 */
export function textIds(options: TextIdsOptions = {}): Step {
  if (arguments.length > 1) checkArguments("textIds", arguments, 1);
  checkOptions<TextIdsOptions>("textIds", options, { ...kinds, vocabulary: "number", minCount: "number", length: "number" });
  const { vocabulary = 20_000, minCount = 1, length } = options;
  for (const [name, value] of Object.entries({ vocabulary, minCount, length }))
    if (value !== undefined) checkWhole("textIds", name, value);
  const cut = stateOf("textIds", options);
  const isBytes = cut.unit === "bytes";
  if (isBytes && (options.vocabulary ?? options.minCount) !== undefined)
    throw new ErmineError("ERMINE_OPTION", 'textIds: vocabulary and minCount are of words, and unit is "bytes". Leave them out.');
  return {
    kind: "textIds",
    fit(cells: Cells) {
      const cutter = new Cutter({ ...cut, length: 1 });
      const counts = new Map<string, number>();
      let longest = 0;
      for (let row = 0; row < cells.length; row++) {
        const cell = cells[row]!;
        if (isMissing(cell)) continue;
        const text = textOf("textIds", row, cell);
        if (isBytes) longest = Math.max(longest, cutter.count(text));
        else {
          const words = cutter.words(text);
          for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
          longest = Math.max(longest, words.length);
        }
      }
      const chosen = isBytes ? [] : vocabularyOf(counts, vocabulary, minCount);
      if (!isBytes && chosen.length === 0)
        throw new ErmineError(
          "ERMINE_DATA",
          "textIds: the training part has no word that is frequent enough. Leave the column out.",
        );
      if (longest === 0 && length === undefined)
        throw new ErmineError(
          "ERMINE_DATA",
          "textIds: the training part has no text. Leave the column out, or state { length }.",
        );
      return fitted(textIdsKind, { ...cut, length: length ?? Math.min(mostIds, longest), vocabulary: chosen });
    },
  };
}

/** The options of `textLength`. */
export interface TextLengthOptions extends TextOptions {
  /** What a longer text counts as: the `length` of the `textIds` next to it. Default: as long as it is. */
  readonly length?: number;
}

/**
 * How many words or bytes a text has (int32): what `textIds` fills is after so many. A missing text has 0. It cannot be inverted.
 *
 * @example
 * textLength({ length: 3 }).fit([]).apply(["An ermine", "one two three four", null]).values; // => [2, 3, 0]
 * @throws ErmineError ERMINE_OPTION for an option that does not fit
 */
export function textLength(options: TextLengthOptions = {}): Step {
  if (arguments.length > 1) checkArguments("textLength", arguments, 1);
  checkOptions<TextLengthOptions>("textLength", options, { ...kinds, length: "number" });
  const { length = 2 ** 31 - 1 } = options;
  checkWhole("textLength", "length", length);
  const cut = stateOf("textLength", options);
  return { kind: "textLength", fit: () => fitted(textLengthKind, { ...cut, length }) };
}
