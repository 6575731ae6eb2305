//! A row for each mistake: what is changed in the house that is right, and what is said about it.

use crate::{changed, complaint};

/// What is changed, and the message.
const ROWS: &[(&[(&str, &str)], &str)] = &[
    (
        &[("import_limit_w = 17250", "import_limt_w = 24000")],
        "house.toml:3:1: grid.import_limt_w = 24000: unknown key; did you mean import_limit_w?",
    ),
    (
        &[("import_limit_w = 17250", "import_limit_kw = 17.25")],
        "house.toml:3:1: grid.import_limit_kw = 17.25: wrong unit; expected W, as import_limit_w = 17250; did you mean import_limit_w?",
    ),
    (
        &[("import_limit_w = 17250", "import_limit = 17250")],
        "house.toml:3:1: grid.import_limit = 17250: unknown key; the unit, W, is part of the name; did you mean import_limit_w?",
    ),
    (
        &[("capacity_kwh = 10", "capacity_wh = 10000\ncapacity_kwh = 10")],
        "house.toml:7:1: battery.capacity_wh = 10000: wrong unit; expected kWh, as capacity_kwh = 10; did you mean capacity_kwh?",
    ),
    (
        &[("max_w = 900", "max_w = 900\nreserve_percent = 10")],
        "house.toml:12:1: compute.reserve_percent = 10: unknown key; did you mean reject_percent?",
    ),
    (
        &[("max_w = 900", "max_w = 900\ncapacity_kwh = 10")],
        "house.toml:12:1: compute.capacity_kwh = 10: unknown key; did you mean capacity_kwh in [battery]?",
    ),
    (
        &[("[grid]", "version = 7\nnew_section = {}\n[grid]")],
        "house.toml:2:1: version = 7: a newer HeatMine wrote this file; this one knows versions up to 1",
    ),
    (&[("[pv]", "[pvv]\nx = 1\n[pv]")], "house.toml:4:2: pvv = {..}: unknown key; did you mean pv?"),
    (
        &[("max_w = 900", "max_w = \"900 W\"")],
        "house.toml:11:1: compute.max_w = \"900 W\": expected a number from 5 to 1000000, in W",
    ),
    (
        &[("max_w = 900", "max_w = -900")],
        "house.toml:11:1: compute.max_w = -900: expected a number from 5 to 1000000, in W",
    ),
    (
        &[("max_w = 900", "max_w = nan")],
        "house.toml:11:1: compute.max_w = \"nan\": expected a number from 5 to 1000000, in W",
    ),
    (
        &[("max_w = 900", "")],
        "house.toml:10:2: compute.max_w: missing; expected a number from 5 to 1000000, in W (Greatest power)",
    ),
    (
        &[("[compute]\nmax_w = 900", "")],
        "house.toml: compute: missing; expected a section headed [compute] (The compute box)",
    ),
    (
        &[("max_w = 900", "max_w = 900\nheat_into = \"rooom\"")],
        "house.toml:12:1: compute.heat_into = \"rooom\": expected one of room, tank, heat_pump_source or outside; did you mean room?",
    ),
    (
        &[("max_w = 900", "max_w = 900\nheat_into = \"tank\"")],
        "house.toml:12:1: compute.heat_into = \"tank\": needs a section [tank]",
    ),
    (
        &[("[pv]", "[building]\nhot_water_on_c = 55\nhot_water_off_c = 50\n[pv]")],
        "house.toml:6:1: building.hot_water_off_c = 50: expected more than building.hot_water_on_c, 55 °C",
    ),
    (
        &[("[pv]", "[building]\nlegionella_hour = 3\n[pv]")],
        "house.toml:5:1: building.legionella_hour = 3: needs building.legionella_days",
    ),
    (
        &[("[pv]", "[building]\ncomfort_low_c = 24\ncomfort_high_c = 22\n[pv]")],
        "house.toml:6:1: building.comfort_high_c = 22: expected more than building.comfort_low_c, 24 °C",
    ),
    (
        &[("max_w = 900", "max_w = 900\nidle_w = 950")],
        "house.toml:12:1: compute.idle_w = 950: expected less than compute.max_w, 900 W",
    ),
    (
        &[("max_w = 900", "max_w = 900\nmin_w = 1000")],
        "house.toml:12:1: compute.min_w = 1000: expected from compute.idle_w, 30 W, to compute.max_w, 900 W",
    ),
    (
        &[("max_w = 900", "max_w = 20000")],
        "house.toml:11:1: compute.max_w = 20000: expected at most grid.import_limit_w, 17250 W: the fuse would blow",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = 10\nreserve_percent = 140")],
        "house.toml:8:1: battery.reserve_percent = 140: expected a number from 0 to 100, in %",
    ),
    (
        &[("[pv]", "[site]\ntimezone = \"Europe/Berln\"\n[pv]")],
        "house.toml:5:1: site.timezone = \"Europe/Berln\": unknown time zone; expected one as Europe/Berlin",
    ),
    (
        &[("[[device]]", "[device]")],
        "house.toml:14:2: device = {..}: expected a list of sections, each headed [[device]]",
    ),
    (
        &[("fronius-gen24", "fronius-gen23")],
        "house.toml:16:1: device[0].type = \"fronius-gen23\": there is no device definition 'fronius-gen23'; expected fronius-gen24 (heatmine device list shows all)",
    ),
    (
        &[("tcp://192.168.1.20:502", "http://192.168.1.20")],
        "house.toml:17:1: device[0].address = \"http://192.168.1.20\": address 'http://192.168.1.20' has the unknown scheme 'http'; expected tcp://host:port, rtu:///dev/ttyUSB0?baud=9600, rtu+tcp://host:port or mqtt://host:port/topic",
    ),
    (
        &[("tcp://192.168.1.20:502", "rtu:///dev/ttyUSB0")],
        "house.toml:17:1: device[0].address = \"rtu:///dev/ttyUSB0\": fronius-gen24 is reached over tcp, not over rtu",
    ),
    (
        &[("address = \"tcp://192.168.1.20:502\"", "")],
        "house.toml:14:1: device[0]: expected exactly one of address (tcp://host:port, rtu:///dev/ttyUSB0) and topic (MQTT)",
    ),
    (
        &[("name = \"inverter\"", "name = \"worker\"")],
        "house.toml:15:1: device[0].name = \"worker\": is the name of the engine; expected another one",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\nunit = 300")],
        "house.toml:16:1: device[0].unit = 300: expected a whole number from 0 to 255",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\nmax_age_s = 1")],
        "house.toml:16:1: device[0].max_age_s = 1: expected at least interval_s, 2",
    ),
    (
        &[("host = \"broker\"", "host = \"broker\"\npasswort = \"geheim\"")],
        "house.toml:14:1: mqtt.passwort = ***: unknown key; did you mean password?",
    ),
    (
        &[("host = \"broker\"", "host = \"broker\"\nport = 70000")],
        "house.toml:14:1: mqtt.port = 70000: expected a whole number from 1 to 65535",
    ),
    (
        &[("host = \"broker\"", "host = \"broker\"\ntopic_prefix = \"heat/#\"")],
        "house.toml:14:1: mqtt.topic_prefix = \"heat/#\": expected a topic without + and #, and without / at its ends",
    ),
    (
        &[("host = \"broker\"", "host = \"broker\"\npassword = \"a\"\npassword_file = \"b\"")],
        "house.toml:15:1: mqtt.password_file = \"b\": expected either mqtt.password or its file, not both",
    ),
    (
        &[("[pv]", "[http]\nlisten = \"8099\"\n[pv]")],
        "house.toml:5:1: http.listen = \"8099\": expected an IP address and a port, as 0.0.0.0:8099 or 127.0.0.1:8099",
    ),
    (
        &[("[pv]", "[http]\nurl = \"heatmine.local\"\n[pv]")],
        "house.toml:5:1: http.url = \"heatmine.local\": expected an address that begins with http:// or https://",
    ),
    (
        &[("[pv]", "[worker]\nlisten = \"127.0.0.1:8099\"\n[pv]")],
        "house.toml:5:1: worker.listen = \"127.0.0.1:8099\": expected another port than that of http.listen, 8099",
    ),
    (
        &[("[pv]", "[influx]\nenabled = true\nurl = \"localhost\"\n[pv]")],
        "house.toml:6:1: influx.url = \"localhost\": expected an address that begins with http:// or https://",
    ),
    (
        &[("[pv]", "[tariff.import]\nkind = \"spot\"\n[pv]")],
        "house.toml:5:1: tariff.import.kind = \"spot\": needs a section [tariff.spot] with a source, topic or url",
    ),
    (
        &[("[pv]", "[tariff.import]\nkind = \"time_of_use\"\n[pv]")],
        "house.toml:4:9: tariff.import.windows: missing; expected the windows of kind = \"time_of_use\", each with from, to and price_eur_per_kwh",
    ),
    (
        &[("[pv]", "[tariff.import]\nprice_ct_per_kwh = 32\n[pv]")],
        "house.toml:5:1: tariff.import.price_ct_per_kwh = 32: wrong unit; expected EUR/kWh, as price_eur_per_kwh = 0.32; did you mean price_eur_per_kwh?",
    ),
    (
        &[("[pv]", "[[schedule]]\ncron = \"0 0 25 * * *\"\nmode = \"eco\"\n[pv]")],
        "house.toml:5:1: schedule[0].cron = \"0 0 25 * * *\": the field hours is 25; expected 0 to 23, or * for any",
    ),
    (
        &[("[pv]", "[[schedule]]\ncron = \"0 0 2 * * *\"\nmode = \"eco\"\nboost_s = 60\n[pv]")],
        "house.toml:4:1: schedule[0]: expected exactly one of mode, boost_s, power_limit_w and job beside cron = \"0 0 2 * * *\"",
    ),
    (
        &[("[pv]", "[room]\nlow_c = 24\nhigh_c = 22\ncapacity_kwh_per_k = 5\nloss_kw_per_k = 0.2\n[pv]")],
        "house.toml:4:2: room: no device offers room.temperature; expected a [[device]] that is a thermometer in the room\nhouse.toml:6:1: room.high_c = 22: expected more than room.low_c, 24 °C",
    ),
    (
        &[("[pv]", "[heat]\nkind = \"gas\"\n[pv]")],
        "house.toml:4:2: heat.gas_eur_per_kwh: missing; expected what a kilowatt-hour of gas costs, in EUR/kWh",
    ),
    // What is no number, or none that can be.
    (
        &[("capacity_kwh = 10", "capacity_kwh = -10")],
        "house.toml:7:1: battery.capacity_kwh = -10: expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = inf")],
        "house.toml:7:1: battery.capacity_kwh = \"inf\": expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = 1e400")],
        "house.toml:7:1: battery.capacity_kwh = \"1e400\": expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = 99999999999999999999999")],
        "house.toml:7:1: battery.capacity_kwh = \"99999999999999999999999\": expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = 1e9")],
        "house.toml:7:1: battery.capacity_kwh = 1000000000.0: expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = true")],
        "house.toml:7:1: battery.capacity_kwh = true: expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = [10]")],
        "house.toml:7:1: battery.capacity_kwh = [..]: expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("capacity_kwh = 10", "capacity_kwh = 2026-01-01")],
        "house.toml:7:1: battery.capacity_kwh = \"2026-01-01\": expected a number from 0.1 to 10000, in kWh",
    ),
    (
        &[("max_w = 900", "max_w = 900\nidle_w = -0.5")],
        "house.toml:12:1: compute.idle_w = -0.5: expected a number from 0 to 1000000, in W",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\nunit = 1.5")],
        "house.toml:16:1: device[0].unit = 1.5: expected a whole number from 0 to 255",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\ninterval_s = 0")],
        "house.toml:16:1: device[0].interval_s = 0: expected a number from 0.5 to 3600, in seconds",
    ),
    // Other kinds of value.
    (
        &[("[pv]\npeak_w = 9800", "pv = 9800")],
        "house.toml:4:1: grid.pv = 9800: unknown key; known here are import_limit_w, export_limit_w, clean_below_g_per_kwh, phases, phase_limit_a, voltage_v and island",
    ),
    (&[("host = \"broker\"", "host = 5")], "house.toml:13:1: mqtt.host = 5: expected a text that is not empty"),
    (&[("host = \"broker\"", "host = \"\"")], "house.toml:13:1: mqtt.host = \"\": expected a text that is not empty"),
    (
        &[("host = \"broker\"", "host = \"broker\"\ntls = \"yes\"")],
        "house.toml:14:1: mqtt.tls = \"yes\": expected true or false",
    ),
    (
        &[("[pv]", "[site]\nname = \"\"\n[pv]")],
        "house.toml:5:1: site.name = \"\": expected a text of 1 to 80 characters",
    ),
    (
        &[("[pv]", "[site]\ntimezone = \"CEST\"\n[pv]")],
        "house.toml:5:1: site.timezone = \"CEST\": unknown time zone; expected one as Europe/Berlin",
    ),
    (
        &[("[pv]", "[xyzzy]\na = 1\n[pv]")],
        "house.toml:4:2: xyzzy = {..}: unknown key; known here are version, site, grid, dimming, tariff, network_fee, levy, pv, plane, forecast, battery, wallbox, compute, heat, room, tank, building, work, device, mqtt, home_assistant, influx, http, worker, jobs, schedule and data",
    ),
    // Devices.
    (
        &[("name = \"inverter\"", "")],
        "house.toml:14:1: device[0].name: missing; expected a text (Its name, unique among the devices; `worker` is the engine's own)",
    ),
    (
        &[("name = \"inverter\"", "name = \"My Inverter\"")],
        "house.toml:15:1: device[0].name = \"My Inverter\": expected 1 to 40 of a-z, 0-9, _ and -",
    ),
    (
        &[("type = \"fronius-gen24\"", "")],
        "house.toml:14:1: device[0].type: missing; expected a text (Its definition; `heatmine device list` prints them)",
    ),
    (
        &[("fronius-gen24", "toaster")],
        "house.toml:16:1: device[0].type = \"toaster\": there is no device definition 'toaster'; expected fronius-gen24, lambda-eu-l, shelly-plug, eastron-sdm630, em24, evcc, generic-mqtt, go-e-charger, goodwe-et, heishamon, huawei-sun2000, kostal-plenticore, my-pv-elwa, shelly-em-gen1, shelly-input, shelly-pro3em, sigenergy, sma-hybrid, solaredge, stiebel-isg, sungrow-sh, sunspec-hybrid, sunspec-inverter, sunspec-meter, tasmota-plug, tasmota-sml, victron-gx, victron-gx-mqtt, zigbee2mqtt-contact, zigbee2mqtt-plug, zigbee2mqtt-room (heatmine device list shows all)",
    ),
    (
        &[("fronius-gen24", "mine.toml")],
        "house.toml:16:1: device[0].type = \"mine.toml\": mine.toml: file: cannot be read: No such file or directory (os error 2)",
    ),
    (
        &[("tcp://192.168.1.20:502", "192.168.1.20")],
        "house.toml:17:1: device[0].address = \"192.168.1.20\": address '192.168.1.20' has no scheme; expected tcp://host:port, rtu:///dev/ttyUSB0?baud=9600, rtu+tcp://host:port or mqtt://host:port/topic",
    ),
    (
        &[("tcp://192.168.1.20:502", "tcp://192.168.1.20:99999")],
        "house.toml:17:1: device[0].address = \"tcp://192.168.1.20:99999\": address 'tcp://192.168.1.20:99999' has the port '99999'; expected 1 to 65535",
    ),
    (
        &[("tcp://192.168.1.20:502", "tcp://")],
        "house.toml:17:1: device[0].address = \"tcp://\": address 'tcp://' has no host; expected tcp://host:port, rtu:///dev/ttyUSB0?baud=9600, rtu+tcp://host:port or mqtt://host:port/topic",
    ),
    (
        &[("address = \"tcp://192.168.1.20:502\"", "topic = \"inverter\"")],
        "house.toml:17:1: device[0].topic = \"inverter\": fronius-gen24 is reached over tcp, not over mqtt",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\ncontrols = [\"battery.charge\"]")],
        "house.toml:16:13: device[0].controls[0] = \"battery.charge\": expected one of compute.heat_route, battery.mode, battery.charge_power, battery.charge_limit, battery.discharge_limit, heat_pump.mode, heat_pump.surplus, heat_pump.room_power, heat_pump.hot_water_power, heat_pump.cooling_power, heat_pump.room_shift, heat_pump.hot_water_shift or pv.limit; did you mean battery.charge_limit?",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\ncontrols = [\"heat_pump.mode\"]")],
        "house.toml:16:13: device[0].controls[0] = \"heat_pump.mode\": fronius-gen24 has no such control; it has battery.mode, battery.charge_power, battery.charge_limit, battery.discharge_limit and pv.limit",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\ncontrols = \"battery.mode\"")],
        "house.toml:16:1: device[0].controls = \"battery.mode\": expected a list",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\npoints = [\"pv.watts\"]")],
        "house.toml:16:11: device[0].points[0] = \"pv.watts\": expected one of grid.power, grid.import_energy, grid.export_energy, grid.power_l1, grid.power_l2, grid.power_l3, grid.current_l1, grid.current_l2, grid.current_l3, grid.dimmed, grid.island, pv.power, pv.energy, battery.power, battery.soc, battery.charge_energy, battery.discharge_energy, house.power, house.energy, compute.power, compute.energy, compute.temperature, heat_pump.power, heat_pump.hot_water_power, heat_pump.heat, heat_pump.energy, heat_pump.heat_energy, heat_pump.flow_temperature, heat_pump.return_temperature, wallbox.power, wallbox.energy, tank.temperature, room.temperature, outdoor.temperature or outdoor.irradiance",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\npoints = [\"pv.power\", \"tank.temperature\"]")],
        "house.toml:6:2: battery: no device offers battery.power; expected a [[device]] that is the battery\nhouse.toml:6:2: battery: no device offers battery.soc; expected a [[device]] that is the battery\nhouse.toml:14:3: device: no device offers grid.power; expected a [[device]] that is the meter at the grid connection\nhouse.toml:16:23: device[0].points[1] = \"tank.temperature\": fronius-gen24 does not offer it; it offers grid.power, grid.import_energy, grid.export_energy, grid.power_l1, grid.power_l2, grid.power_l3, grid.current_l1, grid.current_l2, grid.current_l3, pv.power, pv.energy, battery.power, battery.soc, battery.charge_energy and battery.discharge_energy",
    ),
    (
        &[("name = \"inverter\"", "name = \"inverter\"\nparameters = { speed = \"fast\" }")],
        "house.toml:16:1: device[0].parameters: definition fronius-gen24 has no parameter 'speed'; expected meter_unit",
    ),
    (
        &[(
            "fronius-gen24\"\naddress = \"tcp://192.168.1.20:502\"",
            "eastron-sdm630\"\naddress = \"tcp://a\"\ncontrols = [\"battery.mode\"]",
        )],
        "house.toml:4:2: pv: no device offers pv.power; expected a [[device]] that is the PV inverter\nhouse.toml:6:2: battery: no device offers battery.power; expected a [[device]] that is the battery\nhouse.toml:6:2: battery: no device offers battery.soc; expected a [[device]] that is the battery\nhouse.toml:18:13: device[0].controls[0] = \"battery.mode\": eastron-sdm630 has no controls; expected controls left out",
    ),
    (
        &[(
            "[[device]]",
            "[[device]]\nname = \"plug\"\ntype = \"shelly-plug\"\ntopic = \"plug\"\nunit = 3\n[[device]]",
        )],
        "house.toml:18:1: device[0].unit = 3: is for Modbus devices; expected none for an MQTT device",
    ),
    (
        &[("[mqtt]\nhost = \"broker\"", "[[device]]\nname = \"plug\"\ntype = \"shelly-plug\"\ntopic = \"plug\"")],
        "house.toml:15:1: device[0].topic = \"plug\": needs a broker; expected a section [mqtt]",
    ),
    (
        &[("address = \"tcp", "topic = \"a\"\naddress = \"tcp")],
        "house.toml:14:1: device[0]: expected exactly one of address (tcp://host:port, rtu:///dev/ttyUSB0) and topic (MQTT)",
    ),
    // What does not fit together.
    (
        &[("max_w = 900", "max_w = 900\nheat_into = \"heat_pump_source\"")],
        "house.toml:12:1: compute.heat_into = \"heat_pump_source\": needs a section [heat] with kind = \"heat_pump\"",
    ),
    (
        &[("[pv]", "[tariff.spot]\ntopic = \"a\"\nurl = \"http://b\"\n[pv]")],
        "house.toml:4:9: tariff.spot: expected a source, or exactly one of topic and url",
    ),
    (
        &[("[pv]", "[tariff.spot]\nsource = \"entsoe\"\nzone = \"Mars\"\n[pv]")],
        "house.toml:4:9: tariff.spot.key: missing; source = \"entsoe\" needs the key that the service gave you (or key_file)\nhouse.toml:6:1: tariff.spot.zone = \"Mars\": expected a bidding zone as DE-LU, AT or NL, or its EIC code of 16 letters",
    ),
    (
        &[("[pv]", "[tariff.spot]\nsource = \"awattar\"\nzone = \"CH\"\n[pv]")],
        "house.toml:6:1: tariff.spot.zone = \"CH\": expected AT or DE",
    ),
    (
        &[("[pv]", "[tariff.spot]\nsource = \"energy-charts\"\nzone = \"AT\"\nkey = \"abc\"\n[pv]")],
        "house.toml:7:1: tariff.spot.key = \"***\": source = \"energy-charts\" has no key; expected none",
    ),
    (
        &[("[pv]", "[tariff.spot]\nsource = \"home_assistant\"\nentity = \"sensor.price\"\n[pv]")],
        "house.toml: home_assistant.url: missing; tariff.spot.source = \"home_assistant\" asks there",
    ),
    (
        &[("[pv]", "[tariff.export]\nkind = \"spot\"\n[tariff.spot]\nsource = \"tibber\"\nkey = \"abc\"\n[pv]")],
        "house.toml:5:1: tariff.export.kind = \"spot\": needs wholesale prices, and those of [tariff.spot] include fees and taxes; expected fixed or time_of_use",
    ),
    (
        &[("[pv]", "[tariff.spot]\nurl = \"exchange\"\n[pv]")],
        "house.toml:5:1: tariff.spot.url = \"exchange\": expected an address that begins with http:// or https://",
    ),
    (
        &[(
            "[pv]",
            "[tariff.import]\nkind = \"time_of_use\"\nwindows = [{ from = \"7:00\", to = \"25:00\", price_eur_per_kwh = 0.2 }]\n[pv]",
        )],
        "house.toml:6:14: tariff.import.windows[0].from = \"7:00\": expected a time of day as 06:30, 23:59 at most\nhouse.toml:6:29: tariff.import.windows[0].to = \"25:00\": expected a time of day as 06:30, 24:00 at most",
    ),
    (
        &[(
            "[pv]",
            "[tariff.import]\nkind = \"time_of_use\"\nwindows = [{ from = \"07:00\", to = \"07:00\", price_eur_per_kwh = 0.2 }]\n[pv]",
        )],
        "house.toml:6:30: tariff.import.windows[0].to = \"07:00\": expected another time than from",
    ),
    (
        &[("[pv]", "[influx]\nenabled = true\nbucket = \"\"\n[pv]")],
        "house.toml:6:1: influx.bucket = \"\": expected a name",
    ),
    (
        &[("[pv]", "[http]\nlisten = \"0.0.0.0:99999\"\n[pv]")],
        "house.toml:5:1: http.listen = \"0.0.0.0:99999\": expected an IP address and a port, as 0.0.0.0:8099 or 127.0.0.1:8099",
    ),
    // Fixed times.
    (
        &[("[pv]", "[[schedule]]\ncron = \"0 0 2 * * *\"\npower_limit_w = 300\noverrides = true\n[pv]")],
        "house.toml:7:1: schedule[0].overrides = true: expected only beside mode or boost_s",
    ),
    (
        &[("[pv]", "[[schedule]]\ncron = \"0 22 * *\"\nmode = \"eco\"\n[pv]")],
        "house.toml:5:1: schedule[0].cron = \"0 22 * *\": has 4 fields; expected six fields: seconds minutes hours day-of-month month day-of-week, as 0 30 2 * * *",
    ),
    (
        &[("[pv]", "[[schedule]]\ncron = \"0 0 22 * * *\"\nmode = \"eko\"\n[pv]")],
        "house.toml:6:1: schedule[0].mode = \"eko\": expected one of off, auto, surplus, heat or eco; did you mean eco?",
    ),
    (
        &[("[pv]", "[[schedule]]\ncron = \"0 0 22 * * *\"\nboost_s = 0\n[pv]")],
        "house.toml:6:1: schedule[0].boost_s = 0: expected a whole number from 1 to 86400, in seconds",
    ),
    (
        &[("[pv]", "[[schedule]]\ncron = \"0 0 22 * * *\"\npower_limit_w = 1200\n[pv]")],
        "house.toml:6:1: schedule[0].power_limit_w = 1200: expected at most compute.max_w, 900 W",
    ),
    (
        &[("[pv]", "[jobs]\ndaily_summary_cron = \"daily\"\n[pv]")],
        "house.toml:5:1: jobs.daily_summary_cron = \"daily\": has 1 field; expected six fields: seconds minutes hours day-of-month month day-of-week, as 0 30 2 * * *",
    ),
];

#[test]
fn each_mistake_has_its_message() {
    for (changes, expected) in ROWS {
        let found = complaint(&changed(changes));
        assert_eq!(found, *expected);
    }
}
