/** SHA-256, computed off the training thread where the platform does so. */
import { ErmineError } from "@ermine/core";

/** 32 bytes. @throws ErmineError ERMINE_UNSUPPORTED where there is no Web Cryptography */
export async function digestOf(bytes: Uint8Array): Promise<Uint8Array> {
  const { subtle } = (globalThis as { readonly crypto?: { readonly subtle?: SubtleCrypto } }).crypto ?? {};
  if (subtle === undefined) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      "A checkpoint needs crypto.subtle for its SHA-256, and it is not there: browsers have it on pages that are served by https or from localhost.",
    );
  }
  return new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

/** As lower-case hexadecimal digits. @throws ErmineError as `digestOf` */
export const sha256 = async (bytes: Uint8Array): Promise<string> =>
  Array.from(await digestOf(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
