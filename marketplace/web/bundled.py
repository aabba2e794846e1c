"""Own modules of JavaScript as one script, for a page that has to bring everything in itself.

A file opened from a disk may import nothing. Each module becomes a function of its own, so that their private names
never meet; only the two forms that our modules use are understood, and anything else is refused.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

IMPORT: Final = re.compile(r'^import \{ ([\w, ]+) \} from "\./([\w-]+)\.js";$', re.MULTILINE)
EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
EXPORT_LIST: Final = re.compile(r"^export \{ ([\w, ]+) \};$", re.MULTILINE)
LEFT_OVER: Final = re.compile(r"^(import|export)\b.*$", re.MULTILINE)
SCRIPT_END: Final = re.compile(r"<(?=/script|!--)", re.IGNORECASE)


class CannotBundle(RuntimeError):
    """A module imports or exports in a way that is not understood, or one that comes later."""


def bundle(folder: Path, names: Sequence[str], *, wanted: Sequence[str]) -> str:
    """The modules in the order of `names`, each before those that import it, and `wanted` as names of the script.

    Raises:
        CannotBundle: see there.
    """
    exports: dict[str, list[str]] = {}
    parts = []
    for name in names:
        source = (folder / f"{name}.js").read_text(encoding="utf-8")
        imports = []
        for members, module in IMPORT.findall(source):
            if module not in exports:
                raise CannotBundle(f"{name} imports {module}, which does not come before it")
            imports.append(f"const {{ {members} }} = {_variable(module)};")
        exports[name] = EXPORT.findall(source)
        exports[name] += [each for members in EXPORT_LIST.findall(source) for each in members.split(", ")]
        body = EXPORT_LIST.sub("", EXPORT.sub("", IMPORT.sub("", source)))
        if found := LEFT_OVER.search(body):
            raise CannotBundle(f"{name}: {found[0]}")
        given = ", ".join(exports[name])
        parts.append(
            f"const {_variable(name)} = (() => {{\n{chr(10).join(imports)}\n{body}\nreturn {{ {given} }};\n}})();"
        )
    for name in wanted:
        home = next((module for module, members in exports.items() if name in members), None)
        if home is None:
            raise CannotBundle(f"no module exports {name}")
        parts.append(f"const {{ {name} }} = {_variable(home)};")
    return in_script("\n".join(parts))


def _variable(module: str) -> str:
    return f"module_{module.replace('-', '_')}"


def in_script(source: str) -> str:
    """A script that can stand within a page: nothing in it ends the element it stands in."""
    return SCRIPT_END.sub(r"\\x3c", source)
