"""The face of a package: names that are imported when one of them is first asked for."""

import importlib
import sys


def lazily(package, places):
    """__getattr__ and __dir__ of a package for {module in it: names}; a name "" is the module itself."""
    module_of = {name or module: (module, name) for module, names in places.items() for name in names}

    def load(name):
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        module, attribute = module_of[name]
        found = importlib.import_module(f"{package}.{module}")
        return getattr(found, attribute) if attribute else found

    return load, lambda: sorted({*module_of, *getattr(sys.modules[package], "__all__", ())})
