"""ASE calculators by name: `ase:package.module:Class?key=value&key=value`."""

import ast
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from ase.calculators.calculator import BaseCalculator, Calculator

from explorer.config_file import ASE_PREFIX
from explorer.errors import ConfigError

FORM = "ase:package.module:Class?key=value&key=value, such as 'ase:tblite.ase:TBLite?method=GFN2-xTB&accuracy=0.1'"
EXTRAS = {"tblite": "pip install 'pes-explore[label]'"}  # optional parts of this project


@dataclass(frozen=True)
class CalculatorName:
    """What a name stands for.

    Attributes:
        module: that holds the class.
        cls: name of the class.
        arguments: for its constructor, by keyword, in the order of their names.
    """

    module: str
    cls: str
    arguments: Mapping[str, Any]

    @classmethod
    def parse(cls, name: str) -> "CalculatorName":
        """From a text; values are Python literals, and texts where they are none.

        Raises:
            ConfigError: when it is not of this form.

        >>> str(CalculatorName.parse("ase:tblite.ase:TBLite?method=GFN2-xTB&accuracy=0.1"))
        "tblite.ase.TBLite(accuracy=0.1, method='GFN2-xTB')"
        """
        target, _, query = name.removeprefix(ASE_PREFIX).partition("?")
        module, _, class_name = target.partition(":")
        pairs = [text.partition("=") for text in query.split("&") if text]
        is_name = class_name.isidentifier() and all(part.isidentifier() for part in module.split("."))
        if not name.startswith(ASE_PREFIX) or not is_name or not all(k.isidentifier() and s for k, s, _ in pairs):
            raise ConfigError(f"A calculator was wanted as {FORM}; received {name!r}.")
        return cls(module, class_name, dict(sorted((key, _literal(value)) for key, _, value in pairs)))

    def __str__(self) -> str:
        return f"{self.module}.{self.cls}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items())})"

    def make(self, **told: Any) -> Calculator:
        """A new calculator.

        Args:
            told: further arguments for a class that knows them; those of the name come first.

        Raises:
            ConfigError: when there is no such class, or it cannot be made with these arguments.
        """
        kind = self._class()
        known = getattr(kind, "default_parameters", {}).keys() | _parameters(kind)
        try:
            calculator = kind(**{key: told[key] for key in told.keys() & known} | dict(self.arguments))
        except Exception as error:  # calculators raise their own types
            raise ConfigError(f"Calculator {self} cannot be made: {type(error).__name__}: {error}.") from None
        if not isinstance(calculator, BaseCalculator) or "forces" not in calculator.implemented_properties:
            raise ConfigError(f"{self} is no ASE calculator that has forces. Name the class of one as {FORM}.")
        return cast(Calculator, calculator)

    def _class(self) -> type:
        # one thread per core calls: those of OpenMP on top cost five times the time, and only its import reads this
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            missing = error.name or self.module
            advice = EXTRAS.get(missing.split(".")[0], "install it here, or put its folder on PYTHONPATH")
            raise ConfigError(f"Calculator {self} needs the module {missing}. Try: {advice}.") from None
        except Exception as error:  # whatever a module raises when it is imported
            raise ConfigError(f"{self.module} cannot be imported: {type(error).__name__}: {error}.") from None
        kind = getattr(module, self.cls, None)
        if not inspect.isclass(kind):
            raise ConfigError(f"{self.module} has no class {self.cls}. Name a calculator as {FORM}.")
        return kind


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _parameters(kind: type) -> set[str]:
    try:
        return set(inspect.signature(kind).parameters)
    except (TypeError, ValueError):  # a class written in C may have none
        return set()
