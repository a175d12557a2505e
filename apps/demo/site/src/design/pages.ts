/** The pages that there are, in the order of the masthead; each is `site/<file>`. */
export const pages = [
  { name: "Playground", file: "index.html" },
  { name: "Gallery", file: "gallery.html" },
  { name: "Digits", file: "digits.html" },
  { name: "Text", file: "text.html" },
  { name: "Experiments", file: "experiments.html" },
] as const;

export type PageName = (typeof pages)[number]["name"];
