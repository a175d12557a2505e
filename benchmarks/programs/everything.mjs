/** All that a browser could use: only its size is measured. */
export * as backendCpu from "@ermine/backend-cpu";
export * as core from "@ermine/core";
export * as catalog from "@ermine/core/catalog";
export * as nn from "@ermine/core/nn";
export * as reference from "@ermine/core/reference";
export * as trainer from "@ermine/trainer";
export * as trainerCatalog from "@ermine/trainer/catalog";
