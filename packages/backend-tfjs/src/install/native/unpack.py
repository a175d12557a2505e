"""Unpacks what the addon needs from a wheel of TensorFlow's, and what TensorFlow loads from one of CUDA's: python3 unpack.py WHEEL FOLDER"""
import os, shutil, stat, sys, zipfile

wheel, folder = sys.argv[1:]
headers = ("tensorflow/c/", "tensorflow/core/platform/", "tsl/platform/", "xla/tsl/c/")


def target(name):
    if name.endswith("/"):
        return None
    if name.startswith("tensorflow/libtensorflow_") and ".so" in name:
        return os.path.join("lib", os.path.basename(name))
    if name.startswith("tensorflow/include/") and name[len("tensorflow/include/"):].startswith(headers):
        return os.path.join("include", *name[len("tensorflow/include/"):].split("/"))
    # Libraries, and of the compiler the assembler, its library and that of the device's functions.
    if name.startswith("nvidia/") and not name.endswith((".a", ".py")) and ("/lib/" in name or "/bin/" in name or "/nvvm/lib" in name):
        return os.path.join(*name.split("/"))
    return None


with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        path = target(entry.filename)
        if path is None or ".." in path.split(os.sep):
            continue
        path = os.path.join(folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(entry) as source, open(path, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        if "/bin/" in entry.filename:
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
