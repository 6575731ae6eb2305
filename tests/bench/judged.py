"""The plan beside the best rule, a reference planner and perfect foresight, in the judge's houses.

    judged.py JUDGE HEATMINE [--data CSV] [--all] [--json FILE] [--reference cached|fresh|none] [--jobs N] [--cache FOLDER] [SCENARIO...]

JUDGE is the judge's folder, HEATMINE the built program, a SCENARIO as in `a/market/nwp/noise=0.03/drop=0.02/delay=1` (scenario.py).
Without any it plays the five of the table; with --all also disturbed, with a hidden model and in varied houses. For another year,
window or house the rule's and the bound's figures are made first. Fails where a floor is missed; what is an aim is only marked.

`captured` is the share of what perfect foresight brings over the best rule; `equal warmth` the same beside a rule that keeps the room as
warm. A block is four weeks: what it cost more than by the rule. The reference plans for house A, with its whole model; its CPU seconds
are those of its own process, like ours, and say `cached` where they were measured in an earlier run.
"""

import argparse
import concurrent.futures
import csv
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True

from scenario import Scenario, play

TABLE = ["a/market/none", "a/market/nwp", "a/market/perfect", "a/queue/nwp", "b/market/nwp"]
ROUGH = "noise=0.03/drop=0.02/delay=1"
BEYOND = [f"a/market/nwp/{ROUGH}", "a/market/nwp/hide", *(f"a/market/nwp/vary={seed}" for seed in (1, 2, 3))]
# The share that is captured at least, of whole years.
FLOORS = {("a", "market", "none"): 0.67, ("a", "market", "nwp"): 0.76, ("a", "market", "perfect"): 0.93,
          ("a", "queue", "nwp"): 0.68, ("b", "market", "nwp"): 0.48}
AIMS = {("a", "market", "none"): 0.77, ("a", "market", "nwp"): 0.84, ("a", "market", "perfect"): 0.95,
        ("a", "queue", "nwp"): 0.77, ("b", "market", "nwp"): 0.60}
# The room may be colder for it by so much of the share.
WARMTH = 0.05
# Of house A in a year: kelvin hours too cold, EUR for hot water that was too cold, starts.
COLD_KH, HOT_WATER_EUR, STARTS = 5.0, 5.0, {"market": 700, "queue": 1000}
BLOCK_EUR, BLOCK_SLOTS = 2.0, 28 * 96
# Of the share: lost when disturbed, with a hidden model, in a varied house.
ROUGH_LOSS, HIDDEN_LOSS, VARIED_LOSS = 0.05, 0.10, 0.08
PLAN_MS = 50.0
# A window shorter than this is held to no figures of a year.
YEAR = 300 * 96
# What a quarter hour costs, by the judge's books.
COSTS = ["imp", "exp", "rev", "wear", "start", "comfort", "dhw"]
# The best rule of each house, as the judge's baselines call it.
RULES = {("a", "market"): "surplus", ("a", "queue"): "q_price", ("b", "market"): "greedy", ("b", "queue"): "q_price"}


class Bench:
    """Where everything lies, and what was measured before."""

    def __init__(self, arguments):
        self.judge, self.program = arguments.judge, arguments.heatmine
        self.public = self.judge.parent / "data" / "public_2024-04_2025-03.csv.gz"
        self.data = arguments.data or self.public
        self.cache, self.reference = arguments.cache, arguments.reference
        self.cache.mkdir(parents=True, exist_ok=True)
        self.locks, self.guard = {}, threading.Lock()
        # With another judge, other data or another way of measuring nothing counts that was measured before.
        files = [*sorted(self.judge.glob("*.py")), *sorted(self.judge.glob("*.json")), *sorted(self.judge.glob("reference/*.py")), self.data]
        self.version = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()

    def known(self, kind, name, make):
        """What is known of `name`, made if it is not yet; and whether it was known."""
        key = hashlib.sha256(f"{kind} {name} {self.version}".encode()).hexdigest()[:20]
        file = self.cache / f"{kind}-{key}.json"
        with self.guard:
            lock = self.locks.setdefault(key, threading.Lock())
        with lock:
            if file.exists():
                return json.loads(file.read_text()), True
            made = make()
            new = file.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(made))
            new.replace(file)
            return made, False

    def refs(self, scenario):
        """The file with the figures of rule and bound for this house and year, and those of the rule by blocks."""
        house = "/".join([scenario.house, scenario.work, *("=".join(pair) for pair in scenario.undisturbed)])

        def make():
            if not scenario.undisturbed and self.data == self.public:
                found = json.loads((self.judge / "refs.json").read_text())
            else:
                with tempfile.TemporaryDirectory() as folder:
                    file = pathlib.Path(folder) / "refs.json"
                    quiet(scenario.of_the_house(self.judge, "refs", self.data) + ["--refs", str(file)])
                    found = json.loads(file.read_text())
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder) / "books.csv"
                rule = ["--ctl", RULES[scenario.house, scenario.work], "--books", str(file)]
                account = quiet(scenario.of_the_house(self.judge, "baseline", self.data) + rule)
                return {"refs": found, "blocks": blocks(file), "rule": json.loads(account[account.index("{"):])}

        made, _ = self.known("rule", house, make)
        file = self.cache / f"refs-{hashlib.sha256(f'{house} {self.version}'.encode()).hexdigest()[:20]}.json"
        if not file.exists():
            new = file.with_suffix(f".{threading.get_ident()}")
            new.write_text(json.dumps(made["refs"]))
            new.replace(file)
        return file, made

    def ours(self, scenario):
        """HeatMine's row."""
        refs, rule = self.refs(scenario)
        with tempfile.TemporaryDirectory() as folder:
            judged, books = (pathlib.Path(folder) / file for file in ("judged.csv", "books.json"))
            house = [*scenario.serve(self.judge, self.data, refs), "--books", str(judged)]
            played = play(house, [self.program, "simulate", "--world", "stdio", "--books", str(books)], scenario.name)
            plans = json.loads(books.read_text()).get("plans") or {}
            row = figures(played.result) | {"cpu_s": round(played.cpu_s, 1), "memory_mb": round(played.memory_mb, 1)}
            row |= {"plans": plans.get("count"), "plan_ms_p95": plans.get("cpu_ms_p95"), "plan_ms_max": plans.get("cpu_ms_max"),
                    "plans_cpu_s": plans.get("cpu_s")}
            row["worse_eur"] = [round(block - by_rule, 2) for block, by_rule in zip(blocks(judged), rule["blocks"])]
            row["steps"] = sum(1 for _ in open(judged)) - 1
        row["seconds"] = round(played.seconds)
        return row

    def theirs(self, scenario):
        """The reference planner's row; it knows house A alone, and needs its model."""
        if scenario.house != "a" or scenario.hidden or self.reference == "none":
            return None

        def make():
            refs, rule = self.refs(scenario)
            with tempfile.TemporaryDirectory() as folder:
                judged = pathlib.Path(folder) / "judged.csv"
                house = [*scenario.serve(self.judge, self.data, refs), "--books", str(judged)]
                played = play(house, [sys.executable, str(self.judge / "reference" / "wire.py"), "S=2"], scenario.name)
                row = figures(played.result) | {"cpu_s": round(played.cpu_s, 1), "memory_mb": round(played.memory_mb, 1)}
                said = re.search(r"p95 (\d+)", played.said)
                row["plan_ms_p95"] = float(said[1]) if said else None
                row["worse_eur"] = [round(block - by_rule, 2) for block, by_rule in zip(blocks(judged), rule["blocks"])]
            row["seconds"] = round(played.seconds)
            return row

        kind = "reference" if self.reference == "cached" else f"reference-{os.getpid()}"
        row, cached = self.known(kind, scenario.name, make)
        return row | {"cached": cached}


def quiet(command):
    """What a command says that is to succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr[-4000:]}")
    return done.stdout


def blocks(file):
    """What each four weeks cost by the judge's books; a rest of less than two is part of the last."""
    sums, count = [0.0], 0
    with open(file) as rows:
        for row in csv.DictReader(rows):
            if count == BLOCK_SLOTS:
                sums.append(0.0)
                count = 0
            sums[-1] += sum(float(row[cost]) for cost in COSTS)
            count += 1
    if len(sums) > 1 and count < BLOCK_SLOTS // 2:
        rest = sums.pop()
        sums[-1] += rest
    return [round(sum_, 4) for sum_ in sums]


def figures(result):
    """Of the judge's account, what the table shows."""
    names = {"captured": "captured_vs_best_rule", "equal_warmth": "captured_equal_warmth", "net_eur": "net_cost", "rule_eur": "best_rule",
             "bound_eur": "bound", "starts": "starts", "cold_kh": "Kh_below", "warm_kh": "Kh_above", "hot_water_eur": "hot_water_eur",
             "comfort_eur": "comfort_eur", "bill_eur": "bill_eur", "revenue_eur": "revenue_eur", "wear_eur": "wear_eur",
             "terminal_eur": "terminal_eur", "violations": "violations", "minimum_time_violations": "minimum_time_violations",
             "legionella_missed": "legionella_missed", "mean_room_capped_c": "mean_room_capped_c", "kwh": "kwh"}
    return {name: result.get(key) for name, key in names.items()}


def missed(scenario, row, reference, rows):
    """What floors the row misses, and what aims, in words."""
    floors, aims = [], []
    bar = lambda found, words: None if found else floors.append(words)
    aim = lambda found, words: None if found else aims.append(words)
    bar(row["violations"] == 0, f"{row['violations']} violations")
    bar(not row["minimum_time_violations"], f"{row['minimum_time_violations']} minimum times broken")
    bar(not row["legionella_missed"], f"{row['legionella_missed']} runs against legionella missed")
    if row["steps"] < YEAR or row["captured"] is None:
        return floors, aims
    kind, disturbed = (scenario.house, scenario.work, scenario.forecast), any(key in ("noise", "drop", "delay") for key, _ in scenario.options)
    plain = not scenario.hidden and not disturbed
    varied = any(key == "vary" for key, _ in scenario.options)
    if plain and not varied and kind in FLOORS:
        bar(row["captured"] >= FLOORS[kind], f"captured {row['captured']:.3f}, floor {FLOORS[kind]}")
        aim(row["captured"] >= AIMS[kind], f"captured {row['captured']:.3f}, aim {AIMS[kind]}")
        if row["equal_warmth"] is not None:
            aim(row["equal_warmth"] >= row["captured"] - WARMTH, f"equal warmth {row['equal_warmth']:.3f}, {WARMTH} below at most")
    base = rows.get(scenario.plain)
    if base and base is not row:
        lost = base["captured"] - row["captured"]
        if disturbed:
            bar(lost <= ROUGH_LOSS, f"{lost:.3f} lost when disturbed, {ROUGH_LOSS} at most")
        elif scenario.hidden:
            aim(lost <= HIDDEN_LOSS, f"{lost:.3f} lost with a hidden model, aim {HIDDEN_LOSS}")
    if varied:
        base = rows.get("/".join(kind))
        if base:
            lost = base["captured"] - row["captured"]
            aim(lost <= VARIED_LOSS, f"{lost:.3f} below the house that is not varied, aim {VARIED_LOSS}")
    if scenario.house == "a" and plain and not varied:
        bar(row["cold_kh"] <= COLD_KH, f"{row['cold_kh']} Kh too cold, {COLD_KH} at most")
        bar(row["hot_water_eur"] <= HOT_WATER_EUR, f"hot water {row['hot_water_eur']} EUR, {HOT_WATER_EUR} at most")
        bar(row["starts"] <= STARTS[scenario.work], f"{row['starts']} starts, {STARTS[scenario.work]} at most")
        worst = max(row["worse_eur"])
        bar(worst <= BLOCK_EUR, f"four weeks {worst:+.2f} EUR worse than the rule, {BLOCK_EUR} at most")
    if reference and plain:
        bar(row["cpu_s"] <= reference["cpu_s"], f"{row['cpu_s']:.0f} s of CPU, the reference {reference['cpu_s']:.0f}")
    if row["plan_ms_p95"]:
        bar(row["plan_ms_p95"] < PLAN_MS, f"a plan takes {row['plan_ms_p95']:.1f} ms, {PLAN_MS:.0f} at most")
    return floors, aims


COLUMNS = [("captured", 3), ("equal_warmth", 3), ("net_eur", 1), ("rule_eur", 1), ("bound_eur", 1), ("starts", 0), ("cold_kh", 1),
           ("hot_water_eur", 1), ("comfort_eur", 1), ("violations", 0), ("minimum_time_violations", 0), ("legionella_missed", 0)]
HEADS = ["scenario", "", "captured", "equal warmth", "net EUR", "rule", "bound", "starts", "Kh cold", "hot water EUR", "comfort EUR",
         "violations", "minimum times", "legionella missed", "worst block EUR", "CPU s", "plan p95 ms", "memory MB"]


def line(name, who, row):
    """A row of the table."""
    number = lambda value, digits: "-" if value is None else f"{value:.{digits}f}"
    cells = [number(row[key], digits) for key, digits in COLUMNS]
    worse = row["worse_eur"]
    cpu = number(row["cpu_s"], 0) + (" (cached)" if row.get("cached") else "")
    cells += [f"{max(worse):+.1f}" if worse else "-", cpu, number(row.get("plan_ms_p95"), 1), number(row["memory_mb"], 0)]
    return "| " + " | ".join([name, who, *cells]) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=pathlib.Path)
    parser.add_argument("heatmine")
    parser.add_argument("scenarios", nargs="*", default=[])
    parser.add_argument("--data", type=pathlib.Path, help="another year than the public one")
    parser.add_argument("--all", action="store_true", help="also disturbed, with a hidden model, and in varied houses")
    parser.add_argument("--json", help="write all figures into this file; - for standard output")
    parser.add_argument("--reference", choices=["cached", "fresh", "none"], default="cached", help="the reference planner: five minutes a year")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / ".cache" / "judge")
    arguments = parser.parse_intermixed_args()
    bench = Bench(arguments)
    scenarios = list(map(Scenario, arguments.scenarios or TABLE + (BEYOND if arguments.all else [])))
    rows, references = {}, {}
    print(f"| {' | '.join(HEADS)} |\n" + "|---" * len(HEADS) + "|", flush=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = {}
        for scenario in scenarios:
            waiting[pool.submit(bench.ours, scenario)] = (scenario, "HeatMine", rows)
            waiting[pool.submit(bench.theirs, scenario)] = (scenario, "reference", references)
        for done in concurrent.futures.as_completed(waiting):
            scenario, who, found = waiting[done]
            if done.result():
                found[scenario.name] = done.result()
                print(line(scenario.name, who, done.result()), flush=True)
    failed, report = [], []
    for scenario in scenarios:
        row, reference = rows[scenario.name], references.get(scenario.name)
        floors, aims = missed(scenario, row, reference, rows)
        failed += [f"{scenario.name}: {words}" for words in floors]
        report.append({"scenario": scenario.name, "heatmine": row, "reference": reference, "missed": floors, "aims_missed": aims})
        for words in aims:
            print(f"{scenario.name}: an aim is missed: {words}")
    if arguments.json:
        text = json.dumps(report, indent=1)
        print(text) if arguments.json == "-" else pathlib.Path(arguments.json).write_text(text)
    if failed:
        sys.exit("missed:\n" + "\n".join(failed))


if __name__ == "__main__":
    main()
