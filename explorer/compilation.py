"""Log of what JAX compiles: the seconds of tracing, lowering and compiling every program."""

import time
from collections import defaultdict
from typing import Any, NamedTuple, Self

import jax

# events of jax.monitoring, which name the function since JAX 0.6
_STAGES = {
    "/jax/core/compile/jaxpr_trace_duration": "trace",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lower",
    "/jax/core/compile/backend_compile_duration": "compile",
}


class Stage(NamedTuple):
    """One stage of the compilation of one program; times in s, by `time.perf_counter`."""

    program: str
    stage: str
    start: float
    end: float


class CompilationLog:
    """Records the stages of all compilations in a block, in all threads.

    Attributes:
        stages: Stages in the order of their ends.
    """

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    def __enter__(self) -> Self:
        jax.monitoring.register_event_duration_secs_listener(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        jax.monitoring.unregister_event_duration_listener(self._listen)

    def _listen(self, event: str, duration_secs: float, **details: Any) -> None:
        if event in _STAGES:
            now = time.perf_counter()
            program = str(details.get("fun_name", "")).removeprefix("jit(").removesuffix(")")
            self.stages.append(Stage(program, _STAGES[event], now - duration_secs, now))

    def seconds(self) -> float:
        """Return the time in which at least one program was traced, lowered or compiled, s."""
        total = end = 0.0
        for stage in sorted(self.stages, key=lambda stage: stage.start):
            total += max(0.0, stage.end - max(stage.start, end))
            end = max(end, stage.end)
        return total

    def compile_seconds(self) -> list[float]:
        """Return the seconds of every compilation, without tracing and lowering."""
        return [stage.end - stage.start for stage in self.stages if stage.stage == "compile"]

    def by_program(self) -> dict[str, dict[str, float]]:
        """Return the seconds of each stage and the number of compilations of every program that was compiled.

        A function that is part of a program is traced with it and not listed on its own.
        """
        programs: dict[str, dict[str, float]] = defaultdict(
            lambda: {"trace": 0.0, "lower": 0.0, "compile": 0.0, "n_compiled": 0}
        )
        compiled = {stage.program for stage in self.stages if stage.stage == "compile"}
        for stage in self.stages:
            if stage.program in compiled:
                programs[stage.program][stage.stage] += stage.end - stage.start
                programs[stage.program]["n_compiled"] += stage.stage == "compile"
        return dict(programs)
