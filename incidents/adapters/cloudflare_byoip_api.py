"""The four calls of Cloudflare's API that this kind needs, and what its answers amount to.

    GET   /accounts/{account}/addressing/prefixes
    GET   /accounts/{account}/addressing/prefixes/{prefix}/bgp/prefixes
    GET   /accounts/{account}/addressing/prefixes/{prefix}/bindings
    PATCH /accounts/{account}/addressing/prefixes/{prefix}/bgp/prefixes/{route}   {"on_demand": {"advertised": bool}}

Source: Cloudflare's API reference, Addressing; limits of calls and `Retry-After` from its page "Rate limits".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from incidents.domain.canonical import Json, JsonObject
from incidents.domain.errors import BackendRefused
from incidents.wire.deadline import Deadline
from incidents.wire.http import Answer, Client

LONGEST_WORDS = 200
MOST_PAGES = 500
# Becomes part of an address, so nothing that could lead elsewhere; never empty, for that would be the whole list.
ID = re.compile(r"[0-9A-Za-z_-]{1,64}")

TOO_MANY_CALLS = 429
# A 4xx that does not say whether the request was looked at.
REQUEST_TIMEOUT = 408


class NotNow(BackendRefused):
    """It takes no more calls for a while: certainly without effect, and may be tried again."""


class Broken(BackendRefused):
    """A failure of its own, or no answer that makes sense: what was sent may have been done."""


class Gone(BackendRefused):
    """There is nothing by that id, or not any more."""


class Api:
    """Speaks for one account.

    Args:
        name: slug of the backend, for messages.
        client: whose url ends before `/accounts`, and whose headers hold the token.
        account: id of the account.
        token: what must never stand in a message, whoever sends it back to us.

    Raises (every call): BackendUnreachable, BackendTimeout, NotNow, Broken, Gone, and BackendRefused for any other no.
    """

    def __init__(self, *, name: str, client: Client, account: str, token: str) -> None:
        self._name, self._client, self._token = name, client, token
        self._top = f"/accounts/{account}/addressing/prefixes"

    def prefixes(self, deadline: Deadline) -> Sequence[JsonObject]:
        """Every prefix of the account."""
        return self._list(self._top, deadline)

    def routes(self, prefix: str, deadline: Deadline) -> Sequence[JsonObject]:
        """What can be advertised of the prefix with that id: itself, and parts of it."""
        return self._list(f"{self._top}/{_checked(prefix)}/bgp/prefixes", deadline)

    def bindings(self, prefix: str, deadline: Deadline) -> Sequence[JsonObject]:
        """Which services addresses of the prefix with that id are led to."""
        return self._list(f"{self._top}/{_checked(prefix)}/bindings", deadline)

    def advertise(self, prefix: str, route: str, advertised: bool, deadline: Deadline) -> None:
        """Asks for one route to be advertised or withdrawn, by both ids; nothing else of it is named."""
        path = f"{self._top}/{_checked(prefix)}/bgp/prefixes/{_checked(route)}"
        self._call(deadline, "PATCH", path, {"on_demand": {"advertised": advertised}})

    def close(self) -> None:
        self._client.close()

    def _list(self, path: str, deadline: Deadline) -> Sequence[JsonObject]:
        """The whole list, page after page. Part of a list is no answer: what is missing in it may be there."""
        rows: dict[str, JsonObject] = {}
        for page in range(1, MOST_PAGES + 1):
            body = self._call(deadline, "GET", path, query={"page": str(page)} if page > 1 else None)
            had = len(rows)
            rows |= {str(row["id"]): row for row in self._rows(body)}
            if _is_last(body.get("result_info"), page, len(rows)):
                return list(rows.values())
            if len(rows) == had:
                break
        raise Broken(f"{self._name} did not give its whole list")

    def _rows(self, body: JsonObject) -> Sequence[JsonObject]:
        rows = body.get("result", "nothing")
        if rows is None:  # how it may write an empty list
            return []
        if not isinstance(rows, list):
            raise Broken(f"{self._name} gave no list")
        usable = [row for row in rows if isinstance(row, Mapping) and ID.fullmatch(str(row.get("id", "")))]
        if len(usable) < len(rows):
            raise Broken(f"{self._name} gave a list with an entry that has no usable id")
        return usable

    def _call(
        self,
        deadline: Deadline,
        method: str,
        path: str,
        body: Json = None,
        query: Mapping[str, str] | None = None,
    ) -> JsonObject:
        answer = self._client.call(deadline, method, path, body, query=query)
        status, said = answer.status, self._said(answer.body)
        if status == TOO_MANY_CALLS:
            raise NotNow(f"{self._name} takes no more calls now; try again {_when(answer)}")
        if status in (401, 403):
            raise BackendRefused(f"{self._name} does not allow this to our token{said}")
        if status == 404:
            raise Gone(f"{self._name} knows nothing by that id{said}")
        if 400 <= status < 500 and status != REQUEST_TIMEOUT:
            raise BackendRefused(f"{self._name} refused{said or f', with status {status}'}")
        content = answer.body
        if not 200 <= status < 300 or not isinstance(content, Mapping):
            raise Broken(f"{self._name} gave no usable answer, with status {status}")
        if content.get("success") is False:
            raise BackendRefused(f"{self._name} refused{said}")
        if content.get("success") is not True:
            raise Broken(f"{self._name} did not say whether it succeeded")
        return content

    def _said(self, body: Json) -> str:
        """The messages of its errors, for the end of a sentence."""
        errors = body.get("errors") if isinstance(body, Mapping) else None
        entries = errors if isinstance(errors, list) else []
        messages = [str(entry["message"]) for entry in entries if isinstance(entry, Mapping) and entry.get("message")]
        # The token goes first: a part of it that a cut leaves would not be found any more.
        text = " ".join("; ".join(messages).replace(self._token, "(our token)").split())
        printable = "".join(letter for letter in text if letter.isprintable())
        return f": {printable[:LONGEST_WORDS]}" if printable else ""


def _checked(identifier: str) -> str:
    if not ID.fullmatch(identifier):
        raise ValueError(f"{identifier!r} is no id")
    return identifier


def _is_last(info: Json, page: int, rows: int) -> bool:
    """Whether nothing comes after this page; `rows` is how many have come so far."""
    counts = info if isinstance(info, Mapping) else {}
    total, pages = counts.get("total_count"), counts.get("total_pages")
    if isinstance(total, int):
        return rows >= total
    return not isinstance(pages, int) or page >= pages


def _when(answer: Answer) -> str:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    seconds = headers.get("retry-after", "").strip()
    return f"in {int(seconds)} s" if re.fullmatch(r"[0-9]{1,6}", seconds) else "in five minutes"
