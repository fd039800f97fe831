"""The log: one JSON object a line on standard error, from the web servers, the workers, the poller and the commands.

Every logger is one of the standard library; structlog formats what they say. Nothing here needs Django, since Gunicorn
logs before it is there. What a line holds is told in docs/operations.md.
"""

from __future__ import annotations

import logging.config
import re
import uuid
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.typing import Processor, WrappedLogger

from console.masking import Masks, newest, on_one_line

FORMATS = ("json", "console")
# What a client may call its request; anything else is replaced, so that nobody writes into our log.
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
# What a logging call may add by `extra`; Django adds whole requests.
EXTRA = frozenset({"method", "view", "status", "milliseconds"})
RENDERED = frozenset({"event", "level", "logger", "timestamp"})


def request_id_from(given: str | None) -> str:
    """The id that a client gave its request, if it is well-formed; a new one otherwise."""
    return given if given and REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def current_request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return str(get_contextvars().get("request_id", ""))


def logging_config(form: str, level: str, secrets: Iterable[str]) -> dict[str, Any]:
    """For logging.config.dictConfig.

    Args:
        form: `json`, or `console` for people.
        level: of the root logger.
        secrets: values that no line may hold, whatever they look like.
    """
    masks = Masks(secrets)
    chain: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(EXTRA),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    own = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _Mask(masks, flat=form == "console")]
    last: Processor = structlog.processors.JSONRenderer() if form == "json" else _for_people
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": chain,
                "processors": [*own, last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            # Anybody can send a wrong Host header, form token or size, and must not be able to fill the log with it.
            "django.security": {"level": "CRITICAL"},
            # Gunicorn gives them handlers of its own, and ours are at the root.
            "gunicorn.error": {"handlers": [], "propagate": True},
            "gunicorn.access": {"handlers": [], "propagate": True},
        },
    }


class _Mask:
    """The last look at a line before it is written."""

    def __init__(self, masks: Masks, *, flat: bool) -> None:
        self._masks = masks
        self._flat = flat

    def __call__(
        self, logger: WrappedLogger, name: str, event_dict: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for key, value in event_dict.items():
            event_dict[key] = self._masks.value(newest(value) if key == "exception" else value, key)
            if self._flat and key != "exception":
                event_dict[key] = on_one_line(str(event_dict[key]))
        return event_dict


def _for_people(logger: WrappedLogger, name: str, event: MutableMapping[str, Any]) -> str:
    """One line to read; a traceback follows, set in, so that no line of it looks like one of ours."""
    rest = " ".join(f"{key}={event[key]}" for key in sorted(event) if key not in RENDERED | {"exception"})
    line = f"{event['timestamp']} {str(event['level']).upper()} {event['logger']} {event['event']} {rest}".rstrip()
    traceback = str(event.get("exception", ""))
    return "\n".join([line, *(f"    | {on_one_line(one)}" for one in traceback.splitlines())])


def configure(config: dict[str, Any]) -> None:
    """For whatever starts before Django, or would set up a log of its own."""
    logging.config.dictConfig(config)
    logging.captureWarnings(True)
