"""Unpacks what the addon needs from a tensorflow-cpu wheel: python3 unpack.py WHEEL FOLDER"""
import os, shutil, sys, zipfile

wheel, folder = sys.argv[1:]
headers = ("tensorflow/c/", "tensorflow/core/platform/", "tsl/platform/", "xla/tsl/c/")

with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith("tensorflow/libtensorflow_") and ".so" in name:
            target = os.path.join(folder, "lib", os.path.basename(name))
        elif name.startswith("tensorflow/include/") and name[len("tensorflow/include/"):].startswith(headers) and not name.endswith("/"):
            target = os.path.join(folder, "include", *name[len("tensorflow/include/"):].split("/"))
        else:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(name) as source, open(target, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
