/** All that a program in a browser could use, the oracle of tests left out: only its size is measured. */
export * as backendCpu from "@ermine/backend-cpu";
export * as core from "@ermine/core";
export * as catalog from "@ermine/core/catalog";
export * as nn from "@ermine/core/nn";
export * as trainer from "@ermine/trainer";
export * as trainerCatalog from "@ermine/trainer/catalog";
