"""One second at a time, beside others: the judge's house of clouds and steps, played by HeatMine and by its reference controllers.

    seconds.py JUDGE HEATMINE [SEED...]

JUDGE is the judge's folder, HEATMINE the built program. Prints a row for each controller and battery, and fails where HeatMine is
slower, overshoots more, or moves the battery more than it may.
"""

import argparse
import json
import pathlib
import subprocess
import sys

UP_S, DOWN_S = 5, 3
OVERSHOOT = {"half": 0.20, "full": 0.20, "none": 0.03}
REFERENCES = ["ideal", "evcc", "openems", "predictor"]
COLUMNS = [
    ("up s", "up_90_s"),
    ("down s", "down_90_s"),
    ("overshoot", "overshoot"),
    ("imported kWh", "imported_for_compute_kwh"),
    ("battery kWh", "battery_for_compute_kwh"),
    ("exported kWh", "exported_while_could_kwh"),
    ("computed kWh", "compute_kwh"),
    ("starts", "starts"),
    ("battery kW/h", "battery_swing_kw_per_h"),
    ("after steps W", "swing_after_steps_w"),
]
SERVE = """
import sys, argparse
sys.path.insert(0, sys.argv[1])
import seconds
seconds.main(argparse.Namespace(set=[], battery=sys.argv[2], seed=int(sys.argv[3]), ctl=sys.argv[4] or None))
"""


def judge(folder, battery, seed, controller, **pipes):
    command = [sys.executable, "-c", SERVE, str(folder), battery, str(seed), controller]
    return subprocess.Popen(command, text=True, **pipes)


def reference(folder, battery, seed, controller):
    process = judge(folder, battery, seed, controller, stdout=subprocess.PIPE)
    result = json.loads(process.communicate()[0])
    return result


def ours(folder, program, battery, seed):
    pipe = subprocess.PIPE
    process = judge(folder, battery, seed, "", stdin=pipe, stdout=pipe, stderr=pipe)
    player = subprocess.Popen([program, "simulate", "--world", "stdio"], stdin=process.stdout, stdout=process.stdin)
    process.stdin.close()
    process.stdout.close()
    result = json.loads(process.stderr.read())
    if process.wait() != 0 or player.wait() != 0:
        sys.exit(f"the house ended with {process.returncode}, HeatMine with {player.returncode}")
    return result


def faults(battery, found, openems):
    rows = [
        ("seconds up", found["up_90_s"], UP_S),
        ("seconds down", found["down_90_s"], DOWN_S),
        ("overshoot", found["overshoot"], OVERSHOOT[battery]),
        ("battery swing", found["battery_swing_kw_per_h"], openems["battery_swing_kw_per_h"]),
        ("violations", found["violations"], 0),
        ("steps missed", found["steps_missed"], 0),
    ]
    return [f"{name}: {value}, at most {most}" for name, value, most in rows if value is None or value > most]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=pathlib.Path)
    parser.add_argument("heatmine")
    parser.add_argument("seeds", type=int, nargs="*", default=[1])
    arguments = parser.parse_args()
    wrong = []
    print("| seed | battery | controller | " + " | ".join(name for name, _ in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    for seed in arguments.seeds or [1]:
        for battery in OVERSHOOT:
            results = {name: reference(arguments.judge, battery, seed, name) for name in REFERENCES}
            results["HeatMine"] = ours(arguments.judge, arguments.heatmine, battery, seed)
            for name, result in results.items():
                print(f"| {seed} | {battery} | {name} | " + " | ".join(str(result[key]) for _, key in COLUMNS) + " |")
            sys.stdout.flush()
            found = faults(battery, results["HeatMine"], results["openems"])
            wrong += [f"seed {seed}, battery {battery}: {fault}" for fault in found]
    if wrong:
        sys.exit("\n".join(wrong))


main()
