/** The one error that ermine throws on purpose: it says what was wrong, where, and what to do about it. */

export type ErmineErrorCode =
  | "ERMINE_SHAPE"
  | "ERMINE_DTYPE"
  | "ERMINE_DOMAIN"
  | "ERMINE_VALUE"
  | "ERMINE_OPTION"
  | "ERMINE_DATA"
  | "ERMINE_RELEASED"
  | "ERMINE_BACKEND"
  | "ERMINE_UNSUPPORTED"
  | "ERMINE_MEMORY"
  | "ERMINE_NOT_FINITE"
  | "ERMINE_USAGE"
  | "ERMINE_FILE";

/**
 * An error of ermine's. `message` is whole sentences: what was wrong with which values, then what to do.
 *
 * @example
 * try {
 *   matmul(ones([2, 3]), ones([4, 5]));
 * } catch (error) {
 *   if (error instanceof ErmineError) console.log(error.code); // ERMINE_SHAPE
 * }
 */
export class ErmineError extends Error {
  /** Always "ErmineError". */
  override readonly name = "ErmineError";
  /** The kind of error, for programs. */
  readonly code: ErmineErrorCode;

  constructor(
    code: ErmineErrorCode,
    message: string,
    options?: {
      /** The error that led to this one. Default: none. */
      cause?: unknown;
    },
  ) {
    super(message, options);
    this.code = code;
  }

  /** The same error with the place where it happened in front of its message (a layer's path, an entry's name). */
  at(place: string): ErmineError {
    const located = new ErmineError(this.code, `${place}: ${this.message}`, { cause: this });
    if (this.stack !== undefined) located.stack = this.stack;
    return located;
  }
}
