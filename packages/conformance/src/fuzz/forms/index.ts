/** Every form of the grammar. */
import { definitions } from "./definitions.js";
import { elementwise } from "./elementwise.js";
import type { Form } from "./form.js";
import { indexed } from "./indexed.js";
import { layers } from "./layers.js";
import { products } from "./products.js";
import { reductions } from "./reductions.js";
import { sequences } from "./sequences.js";
import { shapes } from "./shapes.js";

export const forms: readonly Form[] = [
  ...elementwise,
  ...reductions,
  ...shapes,
  ...indexed,
  ...products,
  ...sequences,
  ...definitions,
  ...layers,
];
