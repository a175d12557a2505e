/** `npx vite examples/pretrained/page`: the page, with the digits as a file of its own. */
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { side, type Digits } from "../digits.js";
import { finetuningDigits } from "../node.js";

const root = fileURLToPath(new URL(".", import.meta.url));
const pixels = side * side;

function pack({ images, labels }: Digits): Uint8Array {
  const packed = new Uint8Array(labels.length * (pixels + 1));
  labels.forEach((label, i) => {
    for (let p = 0; p < pixels; p++) packed[i * (pixels + 1) + p] = Math.round(255 * images[i * pixels + p]);
    packed[i * (pixels + 1) + pixels] = label;
  });
  return packed;
}

/** The module "virtual:digits" is the address of the packed digits. */
function digits(): Plugin {
  const bytes = (): Uint8Array => {
    const { training, test } = finetuningDigits();
    return Buffer.concat([pack(training), pack(test)]);
  };
  let isServed = false;
  return {
    name: "digits",
    configResolved: ({ command }) => {
      isServed = command === "serve";
    },
    configureServer: ({ middlewares }) => {
      middlewares.use("/digits.bin", (_, response) => response.end(bytes()));
    },
    resolveId: (id) => (id === "virtual:digits" ? `\0${id}` : undefined),
    load(id) {
      if (id !== "\0virtual:digits") return undefined;
      if (isServed) return 'export default "/digits.bin";';
      const file = this.emitFile({ type: "asset", name: "digits.bin", source: bytes() });
      return `export default import.meta.ROLLUP_FILE_URL_${file};`;
    },
  };
}

export default defineConfig({
  root,
  base: "./",
  assetsInclude: ["**/*.onnx"],
  plugins: [digits()],
  worker: { format: "es", plugins: () => [digits()] },
  build: { target: "es2022", emptyOutDir: true },
});
