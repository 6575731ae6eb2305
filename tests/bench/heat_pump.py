"""The plan of a house with compute and a heat pump that is on or off, beside EMHASS's, which is a mixed-integer program.

    heat_pump.py HEATMINE PYTHON [--seconds 100] [CASE...]

HEATMINE is the built program, PYTHON an interpreter that has EMHASS, a CASE as in `times/2`: a kind and a seed. A tank of 1,000 litres is
heated by a pump of 4.5 kW that is on or off; compute of up to 5 kW works for 0.15 EUR/kWh, its heat goes outside; sun, household, prices and
what is drawn are synthetic, by seed, and known to both. Kinds: `run`: the pump stays on and off for half an hour; `times`: compute also
knows no less than 1 kW, and stays on and off for an hour. 36 hours in quarter hours.

EMHASS runs as its library does, with HiGHS on one thread and a gap of 1 %, until its time limit, which is one of the clock: on a busy machine
give it more than the 100 CPU-seconds that are meant. It plans twice: it is to end as warm as it begins, and as warm as HeatMine's plan ends;
the cheaper one counts. What both plans cost is simulated here, quarter hour by quarter hour, at the judge's prices and penalties: import,
less export and work, kelvin hours below the tank's least, and what it holds at the end. HeatMine's seconds are those of its whole process.
A case that EMHASS proves does not count; the others fail where HeatMine's plan is dearer, or takes more than 0.3 s.
"""

import argparse
import json
import math
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

HOURS, SLOT = 36, 0.25
COUNT = int(HOURS / SLOT)
START = 1768435200  # 2026-01-15T00:00:00Z
# kW, kWh/K, °C, EUR; wear and comfort of rooms play no part: there is no battery, and nobody steers the rooms.
HOUSE = {"pump": 4.5, "compute": 5.0, "import": 17.25, "export": 10.0, "capacity": 1.163, "loss": 0.004, "low": 38.0, "high": 52.0,
         "begin": 45.0, "flow": 45.0, "carnot": 0.42, "work": 0.15, "sell": 0.079}
# What the judge charges for an hour at one kelvin too cold, and its COP of what the tank holds at the end.
COLD, TERMINAL_COP = 0.2, 2.7
KINDS = {"run": {"holds": 0.5, "least": 0.0, "stays": 0.0}, "times": {"holds": 0.5, "least": 1.0, "stays": 1.0}}
CASES = ["times/2", "times/3", "times/4", "run/2"]
CPU_S = 0.3


def hours_of(seed):
    """Sun, household, price, temperature outside and heat drawn of each quarter hour."""
    chance = random.Random(seed)
    clouds = [chance.uniform(0.15, 1) for _ in range(HOURS * 2 + 1)]
    days = [chance.uniform(0.5, 1) for _ in range(HOURS // 24 + 1)]
    weather = [chance.gauss(0, 2) for _ in range(HOURS // 12 + 1)]
    prices = [chance.gauss(0, 0.02) for _ in range(HOURS)]
    slots = []
    for slot in range(COUNT):
        hour = slot * SLOT % 24
        bump = lambda at, width: math.exp(-(((hour - at) / width) ** 2))
        sun = max(0.0, math.sin((hour - 6) / 13 * math.pi)) ** 1.3 if 6 < hour < 19 else 0.0
        kettle = chance.uniform(0.8, 2) if chance.random() < 0.06 else 0.0
        outdoor = 9 + 4 * math.sin((hour - 9) / 12 * math.pi) + weather[int(slot * SLOT) // 12]
        drawn = max(0.0, 0.16 * (19 - outdoor) * (1 + 0.3 * math.sin((hour - 6) / 12 * math.pi)))
        slots.append({
            "pv": 6.0 * sun * clouds[slot // 2] * days[int(slot * SLOT) // 24],
            "load": 0.35 + 0.5 * bump(7.5, 1) + 0.9 * bump(18.5, 2) + chance.uniform(0, 0.25) + kettle,
            "buy": 0.27 + 0.05 * math.cos((hour - 19) / 6 * math.pi) + prices[slot // 4],
            "outdoor": outdoor,
            "drawn": drawn + 0.8 * bump(7, 1) + 0.6 * bump(20, 1.5),
        })
    return slots


def cop(slot):
    return HOUSE["carnot"] * (HOUSE["flow"] + 273.15) / max(HOUSE["flow"] - slot["outdoor"], 12.0)


def request(heatmine, kind, slots):
    """The case as HeatMine's core is asked: the house of its example file, with other things in it."""
    example = pathlib.Path(__file__).parents[2] / "heatmine.example.toml"
    checked = subprocess.run([heatmine, "check", example, "--json"], check=True, stdout=subprocess.PIPE).stdout
    site, watts = json.loads(checked)["site"], lambda name: HOUSE[name] * 1000
    span = lambda hours: {"secs": int(hours * 3600), "nanos": 0}
    stays, building = span(kind["stays"]), site["building"]
    site.update(battery=None, room=None, pv={"peak": 10000.0}, displaced={
        "kind": "heat_pump", "carnot": HOUSE["carnot"], "flow": HOUSE["flow"], "power_max": watts("pump")})
    site["tank"] = {"capacity_kwh_per_k": HOUSE["capacity"], "loss_kw_per_k": HOUSE["loss"], "low": HOUSE["low"], "high": HOUSE["high"]}
    site["grid"].update(import_limit=watts("import"), export_limit=watts("export"), phases=None)
    site["compute"].update(min=kind["least"] * 1000, max=watts("compute"), heat_into="outside", reject_share=0.0, start_cost_eur=0.0,
                           min_on=stays, min_off=stays)
    site["work"]["standing"] = HOUSE["work"]
    building["heat_pump"]["power_min"] = watts("pump")
    building["hot_water"].update(max=HOUSE["high"], sink={"kind": "fixed", "flow": HOUSE["flow"]})
    building["comfort"].update(tank_low=HOUSE["low"], tank_eur_per_kh=COLD)
    control = {"min": 0.0, "max": watts("pump"), "min_interval": span(kind["holds"]), "keep_alive": None}
    site["devices"][0]["controls"] = {"heat_pump.hot_water_power": control}
    ahead = [{"slot": START // 900 + number, "import_price": slot["buy"], "export_price": HOUSE["sell"], "pv": slot["pv"] * 1000,
              "load": slot["load"] * 1000, "heat_pump": 0.0, "outdoor": slot["outdoor"], "carbon": None, "hot_water": slot["drawn"] * 1000}
             for number, slot in enumerate(slots)]
    return {"at": "2026-01-15T00:00:00Z", "site": site, "mode": "auto", "boost": None, "power_limit": watts("compute"), "grid_dimming": None,
            "slots": ahead, "soc": None, "room": None, "tank": HOUSE["begin"], "outdoor_mean": 9.0, "running_since": None,
            "backlog": {"interactive": 0, "jobs": 0, "tokens": 0, "value": 0.0, "due": []}, "tokens_per_kwh": 1e6}


def ours(heatmine, kind, slots):
    """HeatMine's plan, as bounds for pump and compute, and the CPU seconds of its process."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(request(heatmine, kind, slots), file)
        file.flush()
        used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        before = used()
        answer = subprocess.run([heatmine, "plan", "--request", file.name, "--json"], check=True, stdout=subprocess.PIPE).stdout
        seconds = used() - before
    planned = json.loads(answer)["slots"]
    assert len(planned) == COUNT, "not every slot is planned"
    kw = lambda watts: watts / 1000
    bounds = lambda slot: (kw(slot["house"]["heat_pump"]["tank"]), kw(slot["floor"]), kw(max(slot["ceiling"], slot["floor"])))
    return list(map(bounds, planned)), seconds


def theirs(python, kind, slots, end, seconds):
    """EMHASS's plan, its status and CPU seconds, in a process of its own."""
    task = json.dumps({"kind": kind, "slots": slots, "end": end, "seconds": seconds})
    done = subprocess.run([python, __file__, "--emhass"], input=task, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])


def emhass(task):
    """What `theirs` asks for, where EMHASS is installed. Its last step heats nothing that it looks at: it gets one more than is counted."""
    import logging
    import pandas
    from emhass.optimization import Optimization

    kind, slots = task["kind"], task["slots"] + task["slots"][-1:]
    count, steps = len(slots), lambda hours: round(hours / SLOT)
    water = {"density": 1000, "heat_capacity": 4.186}
    # Loses as much as the tank in the middle of its range.
    tank = {**water, "volume": HOUSE["capacity"] * 3600 / 4186, "start_temperature": HOUSE["begin"], "supply_temperature": HOUSE["flow"],
            "carnot_efficiency": HOUSE["carnot"], "min_temperatures": [HOUSE["low"]] * (count - 1) + [task["end"]],
            "max_temperatures": [HOUSE["high"]] * count, "draw_off_demand": [slot["drawn"] * SLOT for slot in slots],
            "thermal_loss": HOUSE["loss"] * ((HOUSE["low"] + HOUSE["high"]) / 2 - 20)}
    # A load without hours that it has to run is off in EMHASS, unless it heats something: compute heats a lake.
    lake = {**water, "volume": 1e6, "start_temperature": 50, "efficiency": 1.0, "min_temperatures": [0.0] * count,
            "max_temperatures": [100.0] * count, "draw_off_demand": [1e-6] * count, "thermal_loss": 0.0}
    optim = {
        "number_of_deferrable_loads": 2, "nominal_power_of_deferrable_loads": [HOUSE["pump"] * 1000, HOUSE["compute"] * 1000],
        "minimum_power_of_deferrable_loads": [0, kind["least"] * 1000], "treat_deferrable_load_as_semi_cont": [True, False],
        "set_deferrable_load_single_constant": [False, False], "set_deferrable_startup_penalty": [0.0, 0.0],
        "set_deferrable_max_startups": [0, 0], "operating_hours_of_each_deferrable_load": [0, 0],
        "start_timesteps_of_each_deferrable_load": [0, 0], "end_timesteps_of_each_deferrable_load": [0, 0],
        "def_current_state": [False, False], "deferrable_load_max_cost": [0.0, 0.0], "deferrable_load_groups": [],
        "def_minimum_on_time": [steps(kind["holds"]), steps(kind["stays"])], "def_minimum_off_time": [steps(kind["holds"]), steps(kind["stays"])],
        "def_load_config": [{"thermal_battery": tank}, {"thermal_battery": lake}],
        "cost_forecast_per_deferrable_load": [None, [slot["buy"] - HOUSE["work"] for slot in slots]],
        "set_use_battery": False, "set_total_pv_sell": False, "set_nocharge_from_grid": False, "set_nodischarge_to_grid": False,
        "set_battery_dynamic": False, "num_threads": 1, "lp_solver_timeout": task["seconds"], "lp_solver_mip_rel_gap": 0.01,
        "delta_forecast_daily": pandas.Timedelta(hours=count * SLOT)}
    plant = {
        "maximum_power_from_grid": HOUSE["import"] * 1000, "maximum_power_to_grid": HOUSE["export"] * 1000, "inverter_is_hybrid": False,
        "compute_curtailment": False, "pv_inverter_model": [], "number_of_batteries": 1, "battery_discharge_power_max": 1000,
        "battery_charge_power_max": 1000, "battery_discharge_efficiency": 0.95, "battery_charge_efficiency": 0.95,
        "battery_nominal_energy_capacity": 5000, "battery_minimum_state_of_charge": 0.3, "battery_maximum_state_of_charge": 0.9,
        "battery_target_state_of_charge": 0.6}
    home = {"optimization_time_step": pandas.Timedelta(hours=SLOT), "time_zone": "UTC", "sensor_power_photovoltaics": "pv",
            "sensor_power_load_no_var_loads": "load"}
    log = logging.getLogger("emhass")
    log.setLevel(logging.ERROR)
    index = pandas.date_range(pandas.Timestamp(START, unit="s"), periods=count, freq=home["optimization_time_step"], tz="UTC")
    column = lambda name, factor=1.0: pandas.Series([slot[name] * factor for slot in slots], index)
    data = pandas.DataFrame({"unit_load_cost": column("buy"), "unit_prod_price": HOUSE["sell"], "outdoor_temperature_forecast": column("outdoor")})
    optimization = Optimization(home, optim, plant, "unit_load_cost", "unit_prod_price", "profit", {}, log, opt_time_delta=count * SLOT)
    before = time.process_time()
    found = optimization.perform_dayahead_forecast_optim(data, column("pv", 1000), column("load", 1000))
    answer = {"seconds": time.process_time() - before, "status": optimization.optim_status, "plan": []}
    if "P_deferrable0" in found:
        pump, compute = found.P_deferrable0 / 1000, found.P_deferrable1 / 1000
        answer["plan"] = list(zip(pump[:COUNT], compute[:COUNT], compute[:COUNT]))
    print(json.dumps(answer))


class Switch:
    """A device that is on or off, and stays so."""

    def __init__(self, stays):
        self.on, self.since, self.stays = False, math.inf, stays

    def set(self, on):
        if on != self.on and self.since >= self.stays - 1e-9:
            self.on, self.since = on, 0.0
        self.since += SLOT
        return self.on


def account(kind, slots, plan):
    """What the house costs by a plan of the pump's power and compute's floor and ceiling, and how warm the tank ends. Compute takes the sun
    that is left within its bounds, as fast loops do; what the devices cannot do they do not."""
    pump, compute = Switch(kind["holds"]), Switch(kind["stays"])
    cost, tank = 0.0, HOUSE["begin"]
    for slot, (power, floor, ceiling) in zip(slots, plan):
        pumped = HOUSE["pump"] if pump.set(power > HOUSE["pump"] / 2) else 0.0
        surplus = slot["pv"] - slot["load"] - pumped
        wanted = min(max(surplus, floor), ceiling, HOUSE["compute"])
        runs = compute.set(wanted >= max(kind["least"], 1e-3) - 1e-6)
        computed = max(wanted, kind["least"]) if runs else 0.0
        flows = surplus - computed
        cost += SLOT * (max(-flows, 0.0) * slot["buy"] - max(flows, 0.0) * HOUSE["sell"] - computed * HOUSE["work"])
        tank += SLOT / HOUSE["capacity"] * (pumped * cop(slot) - slot["drawn"] - HOUSE["loss"] * (tank - 20))
        cost += SLOT * COLD * max(0.0, HOUSE["low"] - tank)
    prices = [slot["buy"] for slot in slots]
    return cost - (tank - HOUSE["begin"]) * HOUSE["capacity"] * sum(prices) / len(prices) / TERMINAL_COP, tank


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heatmine")
    parser.add_argument("python")
    parser.add_argument("cases", nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=100.0, help="EMHASS's time limit for each of its two plans")
    arguments = parser.parse_intermixed_args()
    print("| case | EMHASS | CPU s | EUR | HeatMine CPU s | EUR |\n|---|---|---|---|---|---|", flush=True)
    missed = []
    for case in arguments.cases or CASES:
        name, seed = case.split("/")
        kind, slots = KINDS[name], hours_of(int(seed))
        plan, seconds = ours(arguments.heatmine, kind, slots)
        cost, end = account(kind, slots, plan)
        others = [theirs(arguments.python, kind, slots, at, arguments.seconds) for at in (HOUSE["begin"], min(end, HOUSE["high"]))]
        best, other = min(((account(kind, slots, other["plan"])[0], other) for other in others if other["plan"]), key=lambda found: found[0])
        proven = other["status"] == "Optimal"
        said = "proven: does not count" if proven else other["status"]
        print(f"| {case} | {said} | {other['seconds']:.1f} | {best:.3f} | {seconds:.3f} | {cost:.3f} |", flush=True)
        if not proven and (cost > best or seconds > CPU_S):
            missed.append(case)
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--emhass"]:
        emhass(json.load(sys.stdin))
    else:
        main()
