/** Every operator by its name. */
import { activations } from "./activations.js";
import { attentions } from "./attention.js";
import { control } from "./control.js";
import { creation } from "./creation.js";
import { grids } from "./grid.js";
import { indexing } from "./indexing.js";
import { losses } from "./losses.js";
import { movement } from "./movement.js";
import { normalization } from "./normalization.js";
import type { Entries } from "./operator.js";
import { pointwise } from "./pointwise.js";
import { products } from "./products.js";
import { recurrentNetworks } from "./recurrent.js";
import { reductions } from "./reductions.js";
import { resizing } from "./resize.js";
import { sequences } from "./sequences.js";
import { windows } from "./windows.js";

/** All operators that ermine has: what `loadModel` takes models to be made of. */
export const allOperators: Entries = [
  ...pointwise,
  ...activations,
  ...reductions,
  ...movement,
  ...creation,
  ...indexing,
  ...products,
  ...windows,
  ...normalization,
  ...recurrentNetworks,
  ...resizing,
  ...attentions,
  ...losses,
  ...grids,
  ...sequences,
  ...control,
];
