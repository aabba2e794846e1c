"""The public registers that this process asks, made when the first one is needed."""

from flask import current_app

from marketplace.registers import Registers, make_registers

EXTENSION = "masseflyt_registers"


def registers() -> Registers:
    if EXTENSION not in current_app.extensions:
        current_app.extensions[EXTENSION] = make_registers(current_app.settings)  # type: ignore[attr-defined]
    made: Registers = current_app.extensions[EXTENSION]
    return made
