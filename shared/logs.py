"""The library of our log lines, without the coloured output for terminals that it would draw in."""

import sys
from types import ModuleType
from typing import cast

# structlog loads Rich with all its parts, where it is installed, for a renderer that we do not use: 4 MB of every
# process. For this one import Rich is not there; whoever wants it afterwards gets it.
_hidden = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "rich"}
for _name in (*_hidden, "rich"):
    sys.modules[_name] = cast("ModuleType", None)
try:
    import structlog
finally:
    del sys.modules["rich"]
    sys.modules.update(_hidden)

__all__ = ["structlog"]
