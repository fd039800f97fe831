"""A stand-in for an on-call system: answers with names over real HTTP, and misbehaves when told to."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from tests.fakes.web import Answer, Request, Web


class FakeOnCall:
    """Use it as a context; fill `names`, set `mode`, look into `asked` (the Authorization header of each question).

    Modes: `ok`; `hang` (never answers); `cut` (the connection is lost); `broken` (500); `garbage` (text); `other`
    (JSON of another shape); `number` (names somebody by a number).
    """

    def __init__(self) -> None:
        self.mode = "ok"
        self.names: list[str] = []
        self.asked: list[str] = []
        self.web = Web(self._answer, None)
        self.url = self.web.url

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.web.__exit__()

    def _answer(self, request: Request) -> Answer | None:
        self.asked.append(request.headers.get("authorization", ""))
        if self.mode == "hang":
            self.web.ended.wait()
        if self.mode in ("hang", "cut"):
            return None
        bodies: dict[str, Any] = {"garbage": "on call: nobody", "other": {"users": []}, "number": {"on_call": [1]}}
        if self.mode == "broken":
            return Answer(500, "internal server error")
        return Answer(200, bodies.get(self.mode, {"on_call": self.names}))
