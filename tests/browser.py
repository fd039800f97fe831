"""Headless Chromium over its DevTools protocol: enough to walk the pages as a person would."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
    "--remote-allow-origins=*", "--hide-scrollbars",
)  # fmt: skip
# Key -> its code of old, and the text that it writes.
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "ArrowDown": (40, "")}


class Browser:
    """One tab. Every method waits until what it asked for has happened."""

    def __init__(self, address: str) -> None:
        self._line = websocket.create_connection(address, timeout=20)
        self._numbers = itertools.count(1)
        self.violations: list[str] = []
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            message = json.loads(self._line.recv())
            self._note(message)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result

    def size(self, width: int, height: int = 844, *, dark: bool = False) -> None:
        """A phone or a desktop, by day or by night."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=width < 600
        )
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression on the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def until(self, condition: str, seconds: float = 20.0) -> None:
        """Waits until an expression is true, over page loads too."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.run(condition):
                    return
            except RuntimeError:
                pass  # between two pages
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {condition}\n{self.text()[:2000]}")

    def click(self, words: str) -> None:
        """Clicks the link or button that says this, and waits for the page that follows."""
        script = f"""(() => {{
            const all = [...document.querySelectorAll('a, button, summary')];
            const found = all.find(one => one.textContent.replace(/\\s+/g, ' ').trim().includes({json.dumps(words)}));
            if (!found) return false;
            document.documentElement.dataset.left = '1';
            found.click();
            return true;
        }})()"""
        assert self.run(script), f"nothing says {words!r} on this page:\n{self.text()[:2000]}"
        self.until("!document.documentElement.dataset.left && document.readyState === 'complete'")

    def fill(self, name: str, value: str) -> None:
        self.run(f"document.querySelector('[name={name}]').value = {json.dumps(value)}")

    def press(self, key: str, *, shift: bool = False) -> None:
        """One key, as the keyboard sends it: the page and the browser do what they would do."""
        code, text = KEYS[key]
        given = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        given["modifiers"] = 8 if shift else 0
        self.call("Input.dispatchKeyEvent", type="keyDown", **given, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def write(self, text: str) -> None:
        """Types into what has the focus."""
        self.call("Input.insertText", text=text)

    def text(self) -> str:
        found: str = self.run("document.body.innerText")
        return found

    def screenshot(self, file: Path) -> None:
        """The whole page, not only what is in view."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        self._line.close()

    def _note(self, message: dict[str, Any]) -> None:
        """Keeps what the browser complains about: policy violations, script errors, and other errors."""
        given = message.get("params", {})
        entry = given.get("entry", {})
        if message.get("method") == "Log.entryAdded" and entry.get("source") in ("security", "javascript"):
            self.violations.append(entry["text"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.violations.append(str(given["exceptionDetails"].get("text")))
        if message.get("method") == "Log.entryAdded" and entry.get("level") == "error":
            self.errors.append(f"{entry['text']} {entry.get('url', '')}")
        if message.get("method") == "Runtime.consoleAPICalled" and given["type"] in ("error", "assert"):
            self.errors.append(str([one.get("value", one.get("description")) for one in given["args"]]))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own, gone at the end."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise RuntimeError("chromium is not installed")
    profile = Path(tempfile.mkdtemp(prefix="chromium"))
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        browser = Browser(_tab(profile))
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _tab(profile: Path) -> str:
    """The address of the first tab, once the browser has written its port down."""
    file = profile / "DevToolsActivePort"
    end = time.monotonic() + 30
    while not file.exists() or len(file.read_text().splitlines()) < 2:
        if time.monotonic() > end:
            raise RuntimeError("chromium did not come up within 30 s")
        time.sleep(0.05)
    port = file.read_text().splitlines()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
        tabs = json.load(answer)
    address: str = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    return address
