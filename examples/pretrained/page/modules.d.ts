declare module "virtual:digits" {
  const address: string;
  export default address;
}
declare module "*.onnx?url" {
  const address: string;
  export default address;
}
