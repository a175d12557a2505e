/** The theme's colours where no style sheet reaches: on canvases. */
import { useEffect, useState } from "preact/hooks";
import type { Colour } from "../playground/draw.js";

const probe = document.createElement("span");
probe.hidden = true;

/** A colour of the theme, of the scheme that the page is in: "rgb(r, g, b)". */
export function themeColour(name: string): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

/** Its red, green and blue. */
export function colourParts(name: string): Colour {
  const [r = 0, g = 0, b = 0] = (themeColour(name).match(/\d+/g) ?? []).map(Number);
  return [r, g, b];
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
