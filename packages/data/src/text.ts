/** From bytes to text, with one kind of line end. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** Decodes parts of a file; a byte order mark is left out, and every line end is "\n". */
export class TextDecoding {
  readonly #name: string;
  readonly #encoding: string;
  readonly #decoder: TextDecoder;
  #endsWithReturn = false;
  #bytes = 0;

  /** @throws ErmineError ERMINE_OPTION for an encoding that there is not */
  constructor(where: string, name: string, encoding: string) {
    this.#name = name;
    this.#encoding = encoding;
    try {
      this.#decoder = new TextDecoder(encoding, { fatal: true });
    } catch (error) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `${where}: there is no encoding ${show(encoding)}. Others are "windows-1252" and "utf-16le".`,
        {
          cause: error,
        },
      );
    }
  }

  /** @param bytes undefined: the file has ended */
  decode(bytes: Uint8Array | undefined): string {
    let text: string;
    try {
      text = this.#decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (error) {
      throw new ErmineError(
        "ERMINE_DATA",
        `${this.#name} is not ${this.#encoding}: there are other bytes in the ${bytes?.length ?? 0} after byte ${this.#bytes}. State its encoding: ` +
          '{ encoding: "windows-1252" } is that of many older files, "utf-16le" that of some spreadsheets.',
        { cause: error },
      );
    }
    this.#bytes += bytes?.length ?? 0;
    if (this.#endsWithReturn) text = `\r${text}`;
    // It may be half of a line end.
    this.#endsWithReturn = bytes !== undefined && text.endsWith("\r");
    if (this.#endsWithReturn) text = text.slice(0, -1);
    return text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
  }
}
