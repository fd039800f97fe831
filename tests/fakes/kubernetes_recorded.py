"""What a real API server (1.36) answered, recorded; and a replay of it.

The exchanges are as recorded, without those that no adapter makes, and with managedFields cut to what matters: who
wrote which part, and when. The bodies of requests are not always what was sent (the program that recorded changed some
of them afterwards), so a patch is matched by what it makes of the object, which the answers show; a PUT by all of it.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

Object = dict[str, Any]
EXCHANGES: list[Object] = json.loads((Path(__file__).parent / "kubernetes_exchanges.json").read_text())
WRITES = {"PATCH", "PUT"}
OPTIONS = {"fieldManager", "dryRun", "fieldValidation"}


def answers(scenario: str) -> list[Object]:
    """The bodies of the answers of a scenario, in order. Scenarios are named by how they begin."""
    return [copy.deepcopy(one["response"]["body"]) for one in EXCHANGES if one["scenario"].startswith(f"{scenario}:")]


def refusal(scenario: str, status: int, **names: str) -> Object:
    """A recorded error body, with names exchanged in all of its texts."""
    recorded = next(
        one["response"]["body"]
        for one in EXCHANGES
        if one["scenario"].startswith(f"{scenario}:") and one["response"]["status"] == status
    )
    text = json.dumps(recorded)
    for old, new in names.items():
        text = text.replace(old, new)
    changed: Object = json.loads(text)
    return changed


def merge(now: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    made = dict(now) if isinstance(now, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merge(made.get(key), value)
    return made


class Replay:
    """Answers as recorded in some scenarios, in their order.

    A look is answered as it was recorded, for ever; what was seen after a change only after that change.
    """

    def __init__(self, *scenarios: str) -> None:
        names = tuple(f"{scenario}:" for scenario in scenarios)
        self._exchanges = [one for one in EXCHANGES if one["scenario"].startswith(names)]
        self._used: list[Object] = []
        self._shown: dict[str, Object] = {}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, token: str) -> tuple[int, Any]:
        fits = [one for one in self._exchanges if self._fits(one, method, path, query, body)]
        if method == "GET":
            fits = [one for one in fits if self._is_time(one)][-1:]
        if not fits:
            return 501, {"message": f"{method} {path} was not recorded in this way"}
        chosen = next((one for one in fits if one not in self._used), fits[-1])
        self._used.append(chosen)
        response = chosen["response"]
        if method == "GET" and response["status"] == 200:
            self._shown[path] = response["body"]
        return response["status"], response["body"]

    def _is_time(self, look: Object) -> bool:
        """Whether every change that was made before this look has been asked for."""
        before = self._exchanges[: self._exchanges.index(look)]
        return all(one in self._used for one in before if _changed(one))

    def _fits(self, one: Object, method: str, path: str, query: dict[str, str], body: Any) -> bool:
        request, response = one["request"], one["response"]
        if (request["method"], request["path"]) != (method, path):
            return False
        if method not in WRITES:
            return (request["query"], request["body"]) == (query, body)
        if not set(query) <= OPTIONS or request["query"].get("dryRun") != query.get("dryRun"):
            return False
        if method == "PUT":
            return bool(request["body"] == body)
        if response["status"] == 409:
            return bool(request["body"]["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"])
        if response["status"] == 200:
            return bool(merge(self._shown.get(path), body).get("spec") == response["body"]["spec"])
        return True


def _changed(one: Object) -> bool:
    request, response = one["request"], one["response"]
    return request["method"] in WRITES and response["status"] == 200 and "dryRun" not in request["query"]
