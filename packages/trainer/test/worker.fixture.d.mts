export declare const inputs: { readonly data: Float32Array; readonly shape: [number, number] };
export declare const train: unknown;
