/** The theme's colours where no style sheet reaches: on canvases. */
import { useEffect, useState } from "preact/hooks";
import type { Colour } from "../playground/draw.js";

/** A colour of the theme, as the style sheet writes it. */
export const themeColour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const context = document.createElement("canvas").getContext("2d")!;

/** Its red, green and blue, however the style sheet writes it. */
export function colourParts(name: string): Colour {
  context.fillStyle = themeColour(name);
  const value = Number.parseInt(context.fillStyle.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Counts changes of the theme, by the user or by the system: what is drawn is drawn again. */
export function useThemeVersion(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const changed = (): void => setVersion((n) => n + 1);
    const system = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("themechange", changed);
    system.addEventListener("change", changed);
    return () => {
      removeEventListener("themechange", changed);
      system.removeEventListener("change", changed);
    };
  }, []);
  return version;
}
