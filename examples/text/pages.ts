/** The text that the examples learn: this repository's pages about itself. */
import { readdirSync, readFileSync } from "node:fs";

/** The pages of `docs/`, one after the other. */
export function readPages(): string {
  const folder = new URL("../../docs/", import.meta.url);
  const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));
  return pages
    .sort()
    .map((name) => readFileSync(new URL(name, folder), "utf8"))
    .join("\n");
}
