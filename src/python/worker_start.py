# What the host's interpreter is given to run. Its modules travel in the program as text: MODULES is what the build has put before this.
import importlib.util
import sys


class CarriedModules:
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name in MODULES else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(MODULES[module.__name__], module.__name__ + ".py", "exec"), module.__dict__)


sys.meta_path.append(CarriedModules())

import millstream_host  # noqa: E402

millstream_host.main()
