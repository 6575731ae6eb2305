"""A year at a time, beside an outside account: the judge's houses, played by the whole of HeatMine, and its books beside the judge's.

    worlds.py JUDGE HEATMINE [--data CSV] [--bars] [SCENARIO...]

JUDGE is the judge's folder, HEATMINE the built program, a SCENARIO as in `b/queue/nwp/start=2024-06-01/end=2024-06-15` (scenario.py).
Prints the books beside the judge's account, line by line, and a table. `!` marks what is farther off than it may be; with --bars
that is a failure.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from scenario import Scenario, play

DEFAULT = [f"{house}/{rest}" for house in "ab" for rest in ("market/none", "market/nwp", "queue/nwp", "market/nwp/hide")]
GAIN, BILL, BILL_HIDDEN, LINE, CLOSURE = 0.05, 0.03, 0.10, 0.05, 0.005
# A line of a few euros may be off by as many; the gain and the bill without compute, of a few weeks, by fewer.
LINE_EUR, GAIN_EUR = 3.0, 2.0
# What an outsider makes of the entries of the ledger is the bill, but for the last quarter hour, which no book sees.
RECOMPUTED, RECOMPUTED_EUR = 0.002, 0.5
MONEY = ["import_eur", "export_eur", "bill_eur", "revenue_eur", "wear_eur", "start_eur"]
FLOWS = ["pv", "grid_import", "grid_export", "battery_in", "battery_out", "load", "compute", "heat_pump"]
HOUSES = [("", "with compute"), ("without_compute", "without")]
SHARES = ["captured_vs_best_rule", "captured_equal_comfort", "captured_equal_warmth"]


def books_of(scenario, judge, program, data):
    """The judge's result, the books and the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        books, ledger = (pathlib.Path(folder) / name for name in ("books.json", "ledger.jsonl"))
        ours = [program, "simulate", "--world", "stdio", "--books", str(books), "--ledger", str(ledger)]
        played = play(scenario.serve(judge, data), ours, scenario.name)
        books = json.loads(books.read_text())
        books["recomputed"] = recomputed(scenario, judge, ledger, data)
        return played.result, books, played.seconds


def recomputed(scenario, judge, ledger, data):
    """What an outsider makes of the entries and the contract; of house A, whose contract is a fee and a feed-in."""
    if scenario.house != "a":
        return {}
    node = json.loads((judge / "node.json").read_text())
    script = pathlib.Path(__file__).with_name("recompute.py")
    command = [sys.executable, script, ledger, data, node["fee_eur_kwh"], node["feedin_eur_kwh"]]
    return json.loads(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE).stdout)


def judged(result):
    """The judge's account of one house, with the names of the books."""
    kwh = dict(result["kwh"])
    kwh["pv"] = kwh["pv_offered"] - kwh["pv_curtailed"]
    kwh["heat_pump"] = sum(value for name, value in kwh.items() if name in (
        "heat_pump_room", "heat_pump_tank", "heat_pump_cooling", "heat_pump_boost"))
    return {**result, "kwh": kwh}


def gain(result):
    """What compute brought by the judge's account: all but comfort, hot water and legionella, which are no euros of the bill."""
    without = result["without_minus_with"]
    return without["net_cost"] - sum(without.get(line, 0.0) for line in ("comfort_eur", "hot_water_eur", "legionella_eur"))


def closure(ours, theirs):
    """The energy that is missing, as a share of what came in. What a fan took, that carried compute's heat away, no meter shows: the
    judge says it. Without compute the roof's yield is the judge's."""
    kwh, judged = ours["kwh"], theirs["kwh"]
    came = kwh["grid_import"] + kwh["battery_out"] + kwh.get("pv", judged["pv"])
    went = sum(kwh[flow] for flow in ("grid_export", "battery_in", "load", "compute", "heat_pump")) + judged["fan"]
    return (came - went) / max(judged["pv"] + judged["grid_import"], 1e-9)


class Row:
    """A line of the books beside the judge's."""

    def __init__(self, name, ours, theirs, bar, least=0.0):
        self.name, self.ours, self.theirs = name, ours, theirs
        self.known = ours is not None and theirs is not None
        self.off = ours - theirs if self.known else None
        self.share = self.off / abs(theirs) if self.known and theirs else None
        self.beyond = self.known and bar is not None and abs(self.off) > max(bar * abs(theirs), least)
        self.missing = ours is None and theirs is not None and bar is not None

    def __str__(self):
        number = lambda value, digits: "-" if value is None else f"{value:.{digits}f}"
        share = "-" if self.share is None else f"{100 * self.share:+.1f} %"
        mark = "!" if self.beyond else ("?" if self.missing else "")
        return f"| {self.name} | {number(self.ours, 2)} | {number(self.theirs, 2)} | {share} | {mark} |"


def rows(scenario, result, books):
    """All lines that both know."""
    bill = BILL_HIDDEN if scenario.hidden else BILL
    # What a colder room saved is no earnings of ours, and the judge's account takes nothing off for it.
    found = [Row("gain", books["gain_eur"] + books["colder_room_eur"], gain(result), GAIN, GAIN_EUR)]
    for key, name in HOUSES:
        ours = books if key == "" else books.get(key) or {}
        theirs = judged(result if key == "" else result[key])
        for line in MONEY:
            if key and line in ("revenue_eur", "start_eur"):
                continue
            bar = bill if key and line == "bill_eur" else LINE
            found.append(Row(f"{name}: {line}", ours.get(line), theirs[line], bar, GAIN_EUR if key and line == "bill_eur" else LINE_EUR))
        for flow in FLOWS:
            found.append(Row(f"{name}: {flow} kWh", (ours.get("kwh") or {}).get(flow), theirs["kwh"][flow], None))
        found.append(Row(f"{name}: energy missing %", 100 * closure(ours, theirs), 0.0, 0.0, 100 * CLOSURE))
    for line, value in books["recomputed"].items():
        if line in result:
            found.append(Row(f"recomputed from the ledger: {line}", value, result[line], RECOMPUTED, RECOMPUTED_EUR))
    found.append(Row("violations", result["violations"], 0, 0.0))
    return found


def summary(scenario, result, books, seconds, found):
    """The scenario in one line."""
    by = {row.name: row for row in found}
    pair = lambda row: " | ".join(["-" if row.ours is None else f"{row.ours:.0f}", f"{row.theirs:.0f}",
                                   "-" if row.share is None else f"{100 * row.share:+.1f}"])
    shares = " | ".join("-" if result.get(share) is None else f"{result[share]:.2f}" for share in SHARES)
    marks = sum(row.beyond for row in found)
    cells = [scenario.name, pair(by["gain"]), pair(by["without: bill_eur"]), pair(by["with compute: bill_eur"]),
             str(result["violations"]), shares, f"{result['net_cost']:.0f}", str(marks), f"{seconds:.0f}"]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=pathlib.Path)
    parser.add_argument("heatmine")
    parser.add_argument("scenarios", nargs="*", default=[])
    parser.add_argument("--data", type=pathlib.Path, help="another year than the public one")
    parser.add_argument("--bars", action="store_true", help="fail where a line is beyond its bar")
    arguments = parser.parse_intermixed_args()
    data = arguments.data or arguments.judge.parent / "data" / "public_2024-04_2025-03.csv.gz"
    table, wrong = [], []
    for scenario in map(Scenario, arguments.scenarios or DEFAULT):
        result, books, seconds = books_of(scenario, arguments.judge, arguments.heatmine, data)
        found = rows(scenario, result, books)
        table.append(summary(scenario, result, books, seconds, found))
        wrong += [f"{scenario.name}: {row}" for row in found if row.beyond]
        print(f"\n{scenario.name} ({seconds:.0f} s)\n\n| | HeatMine | judge | off | |\n|---|---|---|---|---|")
        print("\n".join(map(str, found)))
        for line in ("forecast_error_eur", "colder_room_eur"):
            print(Row(line, books.get(line), None, None))
        interval = (books.get("without_compute") or {}).get("bill_eur_interval")
        if interval:
            print(f"| without: bill_eur lies between | {interval[0]:.2f} | {interval[1]:.2f} | | |")
        if "refs_warning" in result:
            print(f"\n{result['refs_warning']}")
        sys.stdout.flush()
    print("\n| scenario | gain | judge | % | bill without | judge | % | bill | judge | % | violations | captured | equal comfort | equal warmth | net cost | beyond | s |")
    print("|---" * 17 + "|")
    print("\n".join(table))
    if wrong and arguments.bars:
        sys.exit("beyond its bar:\n" + "\n".join(wrong))


main()
