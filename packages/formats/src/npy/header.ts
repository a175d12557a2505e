/**
 * The header of an npy file: a Python dictionary with descr, fortran_order and shape, of which this reads no more than NumPy writes.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { ErmineError } from "@ermine/core";

/** NumPy's names of the dtypes that ermine reads and writes. */
export type NpyDType =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float16"
  | "float32"
  | "float64";

export const codes: Readonly<Record<NpyDType, string>> = {
  bool: "b1",
  int8: "i1",
  uint8: "u1",
  int16: "i2",
  uint16: "u2",
  int32: "i4",
  uint32: "u4",
  int64: "i8",
  uint64: "u8",
  float16: "f2",
  float32: "f4",
  float64: "f8",
};

const byCode = new Map(Object.entries(codes).map(([name, code]) => [code, name as NpyDType]));

/** The header of an npy file: dtype, order and shape. */
export interface NpyHeader {
  /** What numpy calls its elements: "float32". */
  readonly dtype: NpyDType;
  /** Is the first byte of an element the most significant one? */
  readonly isBigEndian: boolean;
  /** The first index varies fastest. */
  readonly isFortranOrder: boolean;
  /** Sizes; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly dataOffset: number;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** As NumPy's `max_header_size`: a longer one is of a structured array, or hostile. */
const longestHeader = 10_000;

const refuse = (where: string, problem: string): never => {
  throw new ErmineError(
    "ERMINE_DATA",
    `${where}: ${problem}. The file is damaged, cut short or no npy file; save it again with numpy.save.`,
  );
};

/** @throws ErmineError ERMINE_DATA that says what is wrong, ERMINE_UNSUPPORTED for other dtypes */
export function npyHeader(where: string, file: Uint8Array): NpyHeader {
  if (!magic.every((byte, i) => file[i] === byte)) refuse(where, "it does not begin with \\x93NUMPY");
  const [version, minor] = file.subarray(6, 8);
  if ((version !== 1 && version !== 2 && version !== 3) || minor !== 0)
    refuse(where, `its version is ${version ?? "missing"}.${minor ?? "missing"}, and there are 1.0, 2.0 and 3.0`);
  const start = version === 1 ? 10 : 12;
  if (file.length < start) refuse(where, `it ends at byte ${file.length}, within its header`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > longestHeader) refuse(where, `it claims a header of ${length} bytes, and an array's has at most ${longestHeader}`);
  const dataOffset = start + length;
  if (dataOffset > file.length) refuse(where, `its header would end at byte ${dataOffset}, and the file has ${file.length}`);
  const text = Array.from(file.subarray(start, dataOffset), (byte) => String.fromCharCode(byte)).join("");
  return { ...new Dictionary(text, where).read(), dataOffset };
}

/** The dictionary: three keys in any order, with the values that belong to them. */
class Dictionary {
  readonly #text: string;
  readonly #where: string;
  #at = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  read(): Omit<NpyHeader, "dataOffset"> {
    let descr: string | undefined;
    let order: boolean | undefined;
    let shape: readonly number[] | undefined;
    this.#expect("{");
    while (!this.#take("}")) {
      const key = this.#string();
      this.#expect(":");
      if (key === "descr" && descr === undefined) descr = this.#descr();
      else if (key === "fortran_order" && order === undefined) order = this.#truth();
      else if (key === "shape" && shape === undefined) shape = this.#shape();
      else this.#refuse(`it has the key ${JSON.stringify(key)}, and descr, fortran_order and shape belong there, each once`);
      if (!this.#take(",")) {
        this.#expect("}");
        break;
      }
    }
    if (!/^[ \n]*$/.test(this.#text.slice(this.#at))) this.#refuse("something follows the dictionary");
    if (descr === undefined || order === undefined || shape === undefined)
      return this.#refuse(`${descr === undefined ? "descr" : order === undefined ? "fortran_order" : "shape"} is missing`);
    return { ...dtypeOf(this.#where, descr), isFortranOrder: order, shape };
  }

  #refuse(problem: string): never {
    return refuse(this.#where, `its header is no npy header: ${problem}`);
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " ") this.#at++;
  }

  #take(token: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#refuse(`at character ${this.#at} '${token}' is missing`);
  }

  #string(): string {
    const quote = this.#take("'") ? "'" : this.#take('"') ? '"' : this.#refuse(`at character ${this.#at} a text is missing`);
    const end = this.#text.indexOf(quote, this.#at);
    if (end < 0) this.#refuse("a text has no end");
    const text = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #descr(): string {
    this.#skipSpace();
    if (this.#text[this.#at] === "[")
      throw new ErmineError(
        "ERMINE_UNSUPPORTED",
        `${this.#where} is a structured array, of records with fields. Save each field as an array of its own: numpy.savez("data.npz", **{name: array[name] for name in array.dtype.names}).`,
      );
    return this.#string();
  }

  #truth(): boolean {
    if (this.#take("True")) return true;
    return this.#take("False") ? false : this.#refuse("fortran_order is neither True nor False");
  }

  #shape(): readonly number[] {
    const sizes: number[] = [];
    this.#expect("(");
    while (!this.#take(")")) {
      sizes.push(this.#size());
      // Python 2 wrote long integers so.
      this.#take("L");
      if (!this.#take(",")) {
        this.#expect(")");
        break;
      }
    }
    return sizes;
  }

  #size(): number {
    this.#skipSpace();
    const digits =
      /^\d{1,16}/.exec(this.#text.slice(this.#at, this.#at + 17))?.[0] ?? this.#refuse("shape has something else than sizes");
    this.#at += digits.length;
    const size = Number(digits);
    return Number.isSafeInteger(size) ? size : this.#refuse(`shape has a size of ${digits}`);
  }
}

function dtypeOf(where: string, descr: string): { dtype: NpyDType; isBigEndian: boolean } {
  const order = /^[<>|=]/.exec(descr)?.[0] ?? "";
  const dtype = byCode.get(descr.slice(order.length));
  // "=" is the order of whoever wrote it, and NumPy never writes it.
  if (dtype !== undefined && order !== "" && order !== "=") return { dtype, isBigEndian: order === ">" };
  const reasons: Readonly<Record<string, string>> = {
    O: "Python objects, which are pickled: reading them would run code of the file. Save numbers",
    U: "texts. Save class indices, and the names apart as JSON",
    S: "byte strings. Save class indices, and the names apart as JSON",
    c: "complex numbers. Save real and imaginary parts apart",
    M: "dates. Save array.astype('int64') or features made of them",
    m: "durations. Save array.astype('float64')",
    V: "raw bytes. Save array.view('uint8')",
    f: "long floats. Save array.astype('float32')",
  };
  const reason = reasons[descr[order.length] ?? ""] ?? "of a dtype that is not known. Save array.astype('float32')";
  throw new ErmineError("ERMINE_UNSUPPORTED", `${where}: its elements ('${descr.slice(0, 20)}') are ${reason}.`);
}
