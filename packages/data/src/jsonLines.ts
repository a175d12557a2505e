/** JSON lines: a value on each line. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions } from "@ermine/core/define";
import { BadRowsPolicy, type BadRows } from "./badRows.js";
import { byteSource, type FileSource } from "./bytes.js";
import { checkCount } from "./refusals.js";
import { Stream } from "./stream.js";
import { TextDecoding } from "./text.js";

/** The options of `jsonLines`. */
export interface JsonLinesOptions {
  /** What is done with lines that are no JSON. Default "error". */
  readonly badRows?: BadRows;
  /** The file's encoding, as `TextDecoder` names it. Default "utf-8"; a byte order mark is left out. */
  readonly encoding?: string;
  /** Most characters of one line. Default 2²⁴ (16 Mi). */
  readonly maxLineLength?: number;
}

/**
 * The values of a file of JSON lines (ndjson), one after the other, in the memory of a part of it. Empty lines are left out.
 *
 * @example
 * await jsonLines(new Blob(['{"x": [1, 2], "label": 0}\n{"x": [3, 4], "label": 1}\n'])).toArray(); // => [{ x: [1, 2], label: 0 }, { x: [3, 4], label: 1 }]
 * @throws ErmineError ERMINE_OPTION, ERMINE_DATA where the source is none; when it is read, ERMINE_DATA for a line that is no JSON, with its number
 */
export function jsonLines(source: FileSource, options: JsonLinesOptions = {}): Stream<unknown> {
  if (arguments.length > 2) checkArguments("jsonLines", arguments, 2);
  checkOptions<JsonLinesOptions>("jsonLines", options, { badRows: "any", encoding: "string", maxLineLength: "number" }, [
    "source",
  ]);
  const { badRows, encoding = "utf-8", maxLineLength = 2 ** 24 } = options;
  checkCount("jsonLines", "maxLineLength", maxLineLength, 1);
  const { name, open } = byteSource("jsonLines", source);
  const refuse = (): BadRowsPolicy => new BadRowsPolicy("jsonLines", badRows);
  const decoding = (): TextDecoding => new TextDecoding("jsonLines", name, encoding);
  refuse();
  decoding();
  return new Stream({
    length: undefined,
    resume: "replay",
    iterate: () => values(name, open(), decoding(), refuse(), maxLineLength),
  });
}

async function* values(
  file: string,
  bytes: AsyncIterable<Uint8Array>,
  decoding: TextDecoding,
  badRows: BadRowsPolicy,
  limit: number,
): AsyncGenerator<unknown> {
  let rest = "";
  let row = 0;
  function* whole(lines: readonly string[]): Generator<unknown> {
    for (const line of lines) {
      row++;
      if (line.trim() === "") continue;
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch (error) {
        badRows.refuse({ file, row, column: undefined, problem: `it is no JSON (${(error as Error).message}).` });
        continue;
      }
      yield value;
    }
  }
  for await (const part of bytes) {
    const lines = (rest + decoding.decode(part)).split("\n");
    rest = lines.pop()!;
    if (rest.length > limit)
      throw new ErmineError(
        "ERMINE_DATA",
        `${file}, row ${row + lines.length + 1} has more than ${limit} characters. If that is right, set maxLineLength.`,
      );
    yield* whole(lines);
  }
  yield* whole((rest + decoding.decode(undefined)).split("\n"));
}
