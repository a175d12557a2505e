/**
 * uPlot asks for a number format of `navigator.language` as it is loaded. WebKitGTK says "C" there in a process without a locale, which is no language tag, and uPlot's
 * error would keep the whole page from running.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}

export {};
