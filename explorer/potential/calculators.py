"""Names of ASE calculators: `ase:package.module:Class?key=value&key=value`."""

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
from explorer.wording import in_one_line

_NAME_FORMAT = (
    "ase:package.module:Class?key=value&key=value, such as 'ase:tblite.ase:TBLite?method=GFN2-xTB&accuracy=0.1'"
)
_INSTALL_COMMANDS = {"tblite": "pip install 'pes-explore[label]'"}  # optional dependencies of this project


@dataclass(frozen=True)
class CalculatorName:
    """Parsed name of a calculator.

    Attributes:
        module: Module of the class.
        cls: Name of the class.
        arguments: Keyword arguments of its constructor, sorted by name.
    """

    module: str
    cls: str
    arguments: Mapping[str, Any]

    @classmethod
    def parse(cls, name: str) -> "CalculatorName":
        """Parse a name; values are Python literals, or strings if they are not literals.

        Raises:
            ConfigError: If the name does not have this form.

        >>> str(CalculatorName.parse("ase:tblite.ase:TBLite?method=GFN2-xTB&accuracy=0.1"))
        "tblite.ase.TBLite(accuracy=0.1, method='GFN2-xTB')"
        """
        target, _, query = name.removeprefix(ASE_PREFIX).partition("?")
        module, _, class_name = target.partition(":")
        pairs = [text.partition("=") for text in query.split("&") if text]
        is_name = class_name.isidentifier() and all(part.isidentifier() for part in module.split("."))
        if not name.startswith(ASE_PREFIX) or not is_name or not all(k.isidentifier() and s for k, s, _ in pairs):
            raise ConfigError(f"A calculator was wanted as {_NAME_FORMAT}; received {name!r}.")
        return cls(module, class_name, dict(sorted((key, _literal(value)) for key, _, value in pairs)))

    def __str__(self) -> str:
        return f"{self.module}.{self.cls}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items())})"

    def make(self, **optional: Any) -> Calculator:
        """Create a calculator.

        Args:
            optional: Further arguments, used if the class accepts them and the name does not set them.

        Raises:
            ConfigError: If the class does not exist or cannot be instantiated with these arguments.
        """
        cls = self._class()
        accepted = getattr(cls, "default_parameters", {}).keys() | _parameters(cls)
        try:
            calculator = cls(**{key: optional[key] for key in optional.keys() & accepted} | dict(self.arguments))
        except (Exception, SystemExit) as error:  # calculators raise exceptions of their own types, and may exit
            raise ConfigError(
                f"Calculator {self} cannot be created: {type(error).__name__}: {in_one_line(error)}."
            ) from None
        if not isinstance(calculator, BaseCalculator) or "forces" not in calculator.implemented_properties:
            raise ConfigError(f"{self} is not an ASE calculator with forces. Name the class of one as {_NAME_FORMAT}.")
        return cast(Calculator, calculator)

    def _class(self) -> type:
        # one thread per core calls; OpenMP threads on top take five times as long, and are only configured at import
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            missing = error.name or self.module
            advice = _INSTALL_COMMANDS.get(missing.split(".")[0], "install it here, or put its folder on PYTHONPATH")
            raise ConfigError(f"Calculator {self} needs the module {missing}. Try: {advice}.") from None
        except (Exception, SystemExit) as error:  # a module may raise anything when it is imported
            raise ConfigError(
                f"{self.module} cannot be imported: {type(error).__name__}: {in_one_line(error)}."
            ) from None
        cls = getattr(module, self.cls, None)
        if not inspect.isclass(cls):
            raise ConfigError(f"{self.module} has no class {self.cls}. Name a calculator as {_NAME_FORMAT}.")
        return cls


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _parameters(cls: type) -> set[str]:
    try:
        return set(inspect.signature(cls).parameters)
    except (TypeError, ValueError):  # a class written in C may have none
        return set()
