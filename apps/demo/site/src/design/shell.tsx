/** The frame that all pages have: the masthead with its way to the other pages, the theme, and the page's own part. */
import "@fontsource-variable/instrument-sans/index.css";
import "./theme.css";
import "./parts.css";
import { render, type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { isolatePage } from "../isolation/isolatePage.js";
import { pages, type PageName } from "./pages.js";

const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];

const themeKey = "ermine theme";

function storedTheme(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(themeKey)) ?? "auto";
  } catch {
    // Storage is forbidden here.
    return "auto";
  }
}

function applyTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  dispatchEvent(new Event("themechange"));
}

function keepTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    localStorage.setItem(themeKey, theme);
  } catch {
    // It holds for this page alone.
  }
}

const themeNames: Readonly<Record<Theme, string>> = { auto: "Auto", light: "Light", dark: "Dark" };

function ThemeChoice() {
  const [theme, setTheme] = useState(storedTheme);
  return (
    <label>
      <span class="hidden">Theme</span>
      <select
        value={theme}
        onChange={({ currentTarget }) => {
          const next = currentTarget.value as Theme;
          setTheme(next);
          keepTheme(next);
        }}
      >
        {themes.map((name) => (
          <option key={name} value={name}>
            {themeNames[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The heraldic ermine spot. */
const Mark = () => (
  <svg viewBox="0 0 32 32" aria-hidden="true">
    <g fill="currentColor">
      <path d="M16 12.500c.7 6 3 10.400 7.400 14.200-2.600-.5-4.600-1.400-5.700-2.600-.1 2-.7 3.800-1.700 5.400-1-1.600-1.600-3.400-1.700-5.400-1.100 1.200-3.100 2.100-5.700 2.600C13 22.900 15.300 18.500 16 12.500z" />
      <circle cx="16" cy="4.600" r="2.500" />
      <circle cx="10.600" cy="9.600" r="2.500" />
      <circle cx="21.400" cy="9.600" r="2.500" />
    </g>
  </svg>
);

function Shell({ current, children }: { current: PageName; children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        To the content
      </a>
      <header class="masthead">
        <a class="brand" href="./index.html">
          <Mark />
          ermine
        </a>
        <nav aria-label="Pages">
          {pages.map(({ name, file }) => (
            <a key={name} href={`./${file}`} aria-current={name === current ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <ThemeChoice />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer class="colophon">Everything here is computed on your machine, by ermine. Nothing is sent anywhere else.</footer>
    </>
  );
}

/** The fragment of the address is the page's state, so that the skip link moves the focus without changing it. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/**
 * Puts a page into its frame.
 *
 * @param options.threads the page trains with several threads, where it is isolated
 */
export async function showPage(
  current: PageName,
  content: ComponentChildren,
  { threads = false }: { readonly threads?: boolean } = {},
): Promise<void> {
  applyTheme(storedTheme());
  if (!(await isolatePage(threads))) return;
  const root = document.getElementById("page")!;
  // What there was to read until now.
  root.replaceChildren();
  render(<Shell current={current}>{content}</Shell>, root);
}
