/** Which files of PyPI's hold TensorFlow's library for a machine, pinned: another file under the same name is refused. */
import type { Device } from "../native/locate.js";

/** A file of PyPI's. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  /** Options for pip, so that it takes this very file whatever Python is here. */
  readonly implementation: string;
  readonly python: string;
  readonly abi: string;
  readonly platform: string;
}

/** TensorFlow's own wheel, and those of the libraries that it loads. */
export interface Distribution extends Wheel {
  readonly device: Device;
  readonly dependencies: readonly Wheel[];
  /** Room for the downloads and what is unpacked from them, in bytes. */
  readonly room: number;
}

const cuda = (project: string, version: string, tags: string, sha256: string): Wheel => ({
  project,
  version,
  file: `${project.replaceAll("-", "_")}-${version}-py3-none-${tags}.whl`,
  sha256,
  implementation: "py",
  python: "3",
  abi: "none",
  platform: tags.split(".")[0]!,
});

/** CUDA 12.9 Update 1, with a cuDNN that knows GPUs from Maxwell to Blackwell. */
const cudaLibraries: readonly Wheel[] = [
  cuda(
    "nvidia-cublas-cu12",
    "12.9.1.4",
    "manylinux_2_27_x86_64",
    "453611eb21a7c1f2c2156ed9f3a45b691deda0440ec550860290dc901af5b4c2",
  ),
  cuda(
    "nvidia-cuda-cupti-cu12",
    "12.9.79",
    "manylinux_2_25_x86_64",
    "096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f",
  ),
  cuda(
    "nvidia-cuda-nvcc-cu12",
    "12.9.86",
    "manylinux2010_x86_64.manylinux_2_12_x86_64",
    "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
  ),
  cuda(
    "nvidia-cuda-nvrtc-cu12",
    "12.9.86",
    "manylinux2010_x86_64.manylinux_2_12_x86_64",
    "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
  ),
  cuda(
    "nvidia-cuda-runtime-cu12",
    "12.9.79",
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
  ),
  cuda(
    "nvidia-cudnn-cu12",
    "9.10.2.21",
    "manylinux_2_27_x86_64",
    "949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8",
  ),
  cuda(
    "nvidia-cufft-cu12",
    "11.4.1.4",
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28",
  ),
  cuda(
    "nvidia-curand-cu12",
    "10.3.10.19",
    "manylinux_2_27_x86_64",
    "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
  ),
  cuda(
    "nvidia-cusolver-cu12",
    "11.7.5.82",
    "manylinux_2_27_x86_64",
    "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
  ),
  cuda(
    "nvidia-cusparse-cu12",
    "12.5.10.65",
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
  ),
  cuda(
    "nvidia-nccl-cu12",
    "2.27.7",
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "de5ba5562f08029a19cb1cd659404b18411ed0d6c90ac5f52f30bf99ad5809aa",
  ),
  cuda(
    "nvidia-nvjitlink-cu12",
    "12.9.86",
    "manylinux2010_x86_64.manylinux_2_12_x86_64",
    "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
  ),
];

/** CUDA 12 runs on this driver and newer ones. */
export const oldestDriver = 525;

const tensorflow = { version: "2.21.0", implementation: "cp", python: "3.11", abi: "cp311", platform: "manylinux_2_27_x86_64" };

/** By machine and device. A machine that is not here has tfjs-node's own installer alone. */
export const distributions: Readonly<Record<string, Readonly<Partial<Record<Device, Distribution>>>>> = {
  "linux-x64": {
    cpu: {
      ...tensorflow,
      project: "tensorflow-cpu",
      file: "tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
      sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
      device: "cpu",
      dependencies: [],
      room: 1_300_000_000,
    },
    gpu: {
      ...tensorflow,
      project: "tensorflow",
      file: "tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
      sha256: "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
      device: "gpu",
      dependencies: cudaLibraries,
      room: 7_000_000_000,
    },
  },
};
