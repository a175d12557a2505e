/** SHA-256, computed off the training thread where the platform does so. */
import { ErmineError } from "@ermine/core";

/** As lower-case hexadecimal digits. @throws ErmineError ERMINE_UNSUPPORTED where there is no Web Cryptography */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = (globalThis as { readonly crypto?: { readonly subtle?: SubtleCrypto } }).crypto ?? {};
  if (subtle === undefined) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      "A checkpoint needs crypto.subtle for its SHA-256, and it is not there: browsers have it on pages that are served by https or from localhost.",
    );
  }
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
