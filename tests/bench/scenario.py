"""What the judge's houses play: a scenario in words, and one that plays it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

FORECASTS = ("none", "nwp", "perfect")
# What an observation may be disturbed by; the house and its best rule stay the same.
DISTURBANCES = ("noise", "drop", "delay", "seed")


class Scenario:
    """Words with slashes between them: the house (a, b), the work (market, queue), the forecasts (none, nwp, perfect), `hide` for a
    house that tells only what an owner knows, and any option of the judge's as KEY=VALUE."""

    def __init__(self, name):
        words = name.split("/")
        self.name, self.hidden = name, "hide" in words
        self.house = next((word for word in words if word in ("a", "b")), "a")
        self.work = next((word for word in words if word in ("market", "queue")), "market")
        self.forecast = next((word for word in words if word in FORECASTS), "none")
        self.options = [word.split("=", 1) for word in words if "=" in word]
        known = {self.house, self.work, self.forecast, "hide", *("=".join(option) for option in self.options)}
        unknown = [word for word in words if word not in known]
        if unknown:
            sys.exit(f"{name}: {unknown[0]}; expected a, b, market, queue, none, nwp, perfect, hide or KEY=VALUE")

    @property
    def plain(self):
        """The same, told everything and disturbed by nothing."""
        rest = [f"{key}={value}" for key, value in self.options if key not in DISTURBANCES]
        return "/".join([self.house, self.work, self.forecast, *rest])

    @property
    def undisturbed(self):
        """What makes the house, its year and its work."""
        return [(key, value) for key, value in self.options if key not in DISTURBANCES]

    def of_the_house(self, judge, command, data):
        """A command of the judge's on this house, this year and this work."""
        words = [sys.executable, str(judge / "judge.py"), command, "--data", str(data), "--house", self.house, "--scen", self.work]
        return words + [word for key, value in self.undisturbed for word in (f"--{key}", value)]

    def serve(self, judge, data, refs=None):
        """The house, to be played."""
        words = [*self.of_the_house(judge, "serve", data), "--fc", self.forecast, "--refs", str(refs or judge / "refs.json")]
        words += [word for key, value in self.options if key in DISTURBANCES for word in (f"--{key}", value)]
        return words + (["--hide-model"] if self.hidden else [])


@dataclass
class Played:
    """What came of a scenario."""

    result: dict
    seconds: float
    # CPU seconds and greatest memory of the one that played.
    cpu_s: float
    memory_mb: float
    said: str = field(repr=False, default="")


def play(house, player, name="the house"):
    """Lets `player` play `house`, both commands."""
    began = time.monotonic()
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory() as folder:
        account, words = (pathlib.Path(folder) / file for file in ("account.json", "words.txt"))
        with open(account, "w") as judged, open(words, "w") as said:
            served = subprocess.Popen(house, stdin=pipe, stdout=pipe, stderr=judged)
            playing = subprocess.Popen(player, stdin=served.stdout, stdout=served.stdin, stderr=said)
        served.stdin.close()
        served.stdout.close()
        _, status, used = os.wait4(playing.pid, 0)
        playing.returncode = os.waitstatus_to_exitcode(status)
        ended = served.wait()
        if playing.returncode != 0 or ended != 0:
            texts = "\n".join(file.read_text()[-4000:] for file in (account, words))
            sys.exit(f"{name}: the player ended with {playing.returncode}, the house with {ended}\n{texts}")
        # Before its account the judge may warn in words.
        text = account.read_text()
        result = json.loads(text[text.index("{"):])
        cpu = used.ru_utime + used.ru_stime
        return Played(result, time.monotonic() - began, cpu, used.ru_maxrss / 1024, words.read_text())
