/** What a link of the gallery shows: of which kind, which entry, with which options, and which others in the same chart. */

export const kinds = ["activations", "losses", "optimizers", "schedules"] as const;
export type Kind = (typeof kinds)[number];

export interface GalleryState {
  readonly kind: Kind;
  /** undefined: the first one. */
  readonly name: string | undefined;
  readonly others: readonly string[];
  /** Options as texts, by name. */
  readonly given: ReadonlyMap<string, string>;
}

export function parseGallery(hash: string): GalleryState {
  const parameters = new URLSearchParams(hash);
  const kind = kinds.find((each) => parameters.has(each)) ?? "activations";
  const name = parameters.get(kind);
  const given = new Map([...parameters].filter(([key]) => key !== kind && key !== "with"));
  return {
    kind,
    name: name === null || name === "" ? undefined : name,
    others: (parameters.get("with") ?? "").split(",").filter((each) => each !== ""),
    given,
  };
}

export function formatGallery({ kind, name, others, given }: GalleryState): string {
  const parameters = new URLSearchParams({ [kind]: name ?? "" });
  for (const [key, value] of given) parameters.set(key, value);
  if (others.length > 0) parameters.set("with", others.join(","));
  return parameters.toString();
}
