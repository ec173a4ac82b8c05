"""Prints the peers that this interpreter has, one `name<TAB>version` per line."""
import importlib.metadata
import platform

print("python", platform.python_version(), sep="\t")
for name in ("keras", "tensorflow", "tensorflow-cpu", "torch", "onnxruntime"):
    try:
        print(name, importlib.metadata.version(name), sep="\t")
    except importlib.metadata.PackageNotFoundError:
        pass
