"""A Chromium without a window, driven by its DevTools protocol over a pipe."""

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

PATH = shutil.which("chromium")


class Browser:
    """One page. What it asked of a network and what failed is in `requests`
    and `failures`."""

    def __init__(self, seconds=120):
        self.end = time.monotonic() + seconds  # of all that is asked of it
        self.profile = tempfile.mkdtemp()
        command_read, self.commands = os.pipe()
        self.answers, answer_write = os.pipe()
        # DevTools reads descriptor 3 and writes descriptor 4.
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec "$@" 3<&%d 4>&%d' %
             (command_read, answer_write), "-", PATH, "--headless",
             "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={self.profile}",
             "--remote-debugging-pipe", "about:blank"],
            pass_fds=(command_read, answer_write), start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(command_read)
        os.close(answer_write)
        os.set_blocking(self.answers, False)
        self.numbers = itertools.count(1)
        self.seen = b""
        self.loaded = False
        self.requests = []
        self.failures = []
        self.session = None
        pages = self.ask("Target.getTargets")["targetInfos"]
        page = next(p["targetId"] for p in pages if p["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=page,
                                flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.ask(f"{domain}.enable")

    def close(self):
        """Ends every process of the browser and takes its profile away."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        # Its children die a moment after the process that was waited for, and
        # what one of them writes meanwhile makes a folder not empty again.
        end = time.monotonic() + 30
        while os.path.exists(self.profile) and time.monotonic() < end:
            shutil.rmtree(self.profile, ignore_errors=True)
            time.sleep(0.01)

    def open(self, path, width, dark=False):
        """Loads a file in a window of that many pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])
        self.loaded = False
        self.ask("Page.navigate", url=path.as_uri())
        while not self.loaded:
            self.receive()

    def value(self, expression):
        """What JavaScript makes of it, as JSON carries it."""
        answer = self.ask("Runtime.evaluate", expression=expression,
                          returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def point(self, x, y):
        """Moves the mouse there."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self):
        """The whole page as PNG."""
        return base64.b64decode(self.ask(
            "Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def ask(self, method, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") != number:
                continue
            if "error" in answer:
                raise AssertionError(f"{method}: {answer['error']}")
            return answer["result"]

    def receive(self):
        """The next message, after it was noted."""
        while b"\0" not in self.seen:
            if time.monotonic() > self.end or self.process.poll() is not None:
                raise AssertionError("the browser does not answer")
            try:
                self.seen += os.read(self.answers, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
        text, self.seen = self.seen.split(b"\0", 1)
        message = json.loads(text)
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.failures.append(parameters["exceptionDetails"])
        elif method == "Log.entryAdded":
            self.failures.append(parameters["entry"])
        return message
