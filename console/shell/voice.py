"""What a command says and asks: lines for people or one JSON object for scripts, and the code with which it ends."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from django.core.management.base import OutputWrapper
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from console.printing import plain
from incidents.domain.errors import HandrailError, Refused

# What cannot be reached, was never set up, or did not take a statement in time.
NO_DATABASE = (OperationalError, InterfaceError, ProgrammingError)
# What pages say of the form that they show again, as a shell has to say it.
IN_A_SHELL = {
    "Check the new preview below.": "Make a new preview.",
    "Check your own preview below.": "Make a preview of your own.",
}


class Ends(IntEnum):
    """With which code a command ends; docs/commands.md is the table of them."""

    PROVEN = 0
    REFUSED = 1
    WRONG = 2
    OPEN = 3
    NO_DATABASE = 4
    INTERRUPTED = 130


class Halt(Exception):
    """Why a command goes no further: the code with which it ends, one sentence, and stable codes of why."""

    def __init__(self, ends: Ends, text: str, *because: str) -> None:
        super().__init__(text)
        self.ends, self.text, self.because = ends, text, because


@dataclass(slots=True)
class Voice:
    """
    Args:
        out: what was asked for; `err` for questions, progress of no lasting worth and refusals.
        json: for a script: nothing but one JSON object on `out`, and no questions.
        yes: everything was said beforehand, so nothing is asked.
        sent: whether something may have been started by now.
    """

    out: OutputWrapper
    err: OutputWrapper
    json: bool
    yes: bool
    sent: bool = False

    @property
    def asks(self) -> bool:
        """Whether somebody sits there who can answer."""
        return not self.json and not self.yes and sys.stdin.isatty()

    def say(self, *lines: str) -> None:
        """Lines for people; a script reads the object instead."""
        if not self.json:
            for line in lines:
                self.out.write(plain(line))
            self.out.flush()

    def aside(self, text: str) -> None:
        self.err.write(plain(text))
        self.err.flush()

    def give(self, ends: Ends, **facts: object) -> Ends:
        """The one object of a script."""
        if self.json:
            self.out.write(json.dumps({"ends": int(ends), **facts}, default=str, indent=2))
        return ends

    def ask(self, question: str) -> str:
        """What somebody types. Raises Halt where nobody does."""
        self.err.write(f"{plain(question)} ", ending="")
        self.err.flush()
        try:
            return input().strip()
        except (EOFError, UnicodeDecodeError):
            raise Halt(Ends.WRONG, "Nothing was typed. Nothing was changed.", "shell.no-answer") from None

    def ask_secretly(self, question: str) -> str:
        """The same for what must not stand on the screen."""
        try:
            return getpass.getpass(f"{plain(question)} ").strip()
        except (EOFError, UnicodeDecodeError):
            raise Halt(Ends.WRONG, "Nothing was typed. Nothing was changed.", "shell.no-answer") from None


def speak(voice: Voice, act: Callable[[], Ends]) -> Ends:
    """Does what was asked for, and says in words, and by a code, why where it could not be done."""
    try:
        return act()
    except Halt as halt:
        return _refuse(voice, halt.ends, halt.text, halt.because)
    except HandrailError as refused:
        findings = refused.findings if isinstance(refused, Refused) else ()
        told = [finding.as_json() for finding in findings]
        because = [finding.code for finding in findings] or [type(refused).__name__]
        return _refuse(voice, Ends.REFUSED, _in_a_shell(str(refused)), because, findings=told)
    except NO_DATABASE as error:
        return _refuse(voice, Ends.NO_DATABASE, _without_database(error, sent=voice.sent), ["shell.no-database"])
    except KeyboardInterrupt:
        text = "Interrupted. " + (UNKNOWN if voice.sent else "Nothing was started.")
        return _refuse(voice, Ends.INTERRUPTED, text, ["shell.interrupted"])
    except BrokenPipeError:  # `act list | head`: nobody reads on, and Python would say so once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Ends.WRONG


UNKNOWN = "Whether a run was started is not known; once the database answers, `act list` shows it. Nothing runs twice."


def no_database(error: DatabaseError | InterfaceError) -> str:
    """What is wrong with the database, in a sentence."""
    first = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    if "no such table" in first or "does not exist" in first:
        return f"The database is not set up, or another one is meant ({first}). See manage.py doctor."
    return f"The database does not answer ({first}). See manage.py doctor."


def _without_database(error: DatabaseError | InterfaceError, *, sent: bool) -> str:
    return f"{no_database(error)} {UNKNOWN if sent else 'Nothing was started.'}"


def _refuse(voice: Voice, ends: Ends, text: str, because: Sequence[str], **facts: object) -> Ends:
    if not voice.json:
        voice.aside(f"✕ {text}")
        rest = [code for code in because if "." in code]
        if rest:
            voice.aside(f"  Code: {', '.join(dict.fromkeys(rest))}")
    return voice.give(ends, problem=text, because=list(because), **facts)


def _in_a_shell(text: str) -> str:
    for on_a_page, here in IN_A_SHELL.items():
        text = text.replace(on_a_page, here)
    return text


def some(pairs: Mapping[str, object]) -> dict[str, object]:
    """Without what is empty."""
    return {name: value for name, value in pairs.items() if value not in ("", None, [], ())}
