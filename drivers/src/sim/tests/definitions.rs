//! The simulated house read and set through the definitions that a real one would use.

use super::*;
use crate::debt::{DebtEntry, Debts};
use crate::definition::find;
use crate::device::{self, Channels, DeviceConfig, Report};
use crate::lease::Wanted;
use crate::pace::Pace;
use crate::sim::battery::StorageControls;
use plant::decision::{BatteryMode, Setpoint, Setpoints, Setting};
use plant::point::{DeviceId, Point};
use plant::reason::Reason;
use plant::units::{Kelvins, Percent};
use std::collections::{BTreeMap, BTreeSet};

/// A device at work, as the gateway has it.
struct AtWork {
    id: DeviceId,
    reports: mpsc::Receiver<Report>,
    wanted: watch::Sender<Wanted>,
    seen: BTreeMap<Point, Option<f64>>,
    task: JoinHandle<()>,
}

fn work(stage: &Stage, definition: &str, address: &str, shutdown: &CancellationToken) -> AtWork {
    let id = DeviceId(definition.to_owned());
    let config = DeviceConfig {
        id: id.clone(),
        definition: Arc::new(find(definition).unwrap()),
        address: address.parse().unwrap(),
        unit: None,
        points: None,
        broker: Some(stage.address.clone()),
        controls: BTreeSet::new(),
        parameters: BTreeMap::new(),
        interval: Duration::from_secs(2),
    };
    let (reporter, reports) = mpsc::channel(64);
    let (wanted, received) = watch::channel(Wanted::default());
    let (leases, _) = watch::channel(Vec::new());
    let channels = Channels { reports: reporter, wanted: received, leases, debts: debts() };
    let task = tokio::spawn(device::run(config, Pace { speed: 20.0 }, channels, shutdown.clone()));
    AtWork { id, reports, wanted, seen: BTreeMap::new(), task }
}

/// Debts that are written down nowhere.
fn debts() -> Debts {
    let (entries, mut received) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Some(entry) = received.recv().await {
            if let DebtEntry::Owe { done, .. } = entry {
                let _ = done.send(Ok(()));
            }
        }
    });
    Debts { known: Vec::new(), lost: BTreeSet::new(), entries }
}

impl AtWork {
    /// Takes reports until `met`; gives back what came of a setpoint, if that came.
    async fn until(&mut self, what: &str, met: impl Fn(&Self, Option<&Report>) -> bool) {
        let taken = timeout(SOON, async {
            while !met(self, None) {
                let report = self.reports.recv().await.expect("the device works");
                if let Report::Values { values, .. } = &report {
                    self.seen.extend(values.iter().copied());
                }
                if met(self, Some(&report)) {
                    return;
                }
            }
        })
        .await;
        assert!(taken.is_ok(), "{}: not in time: {what}; seen {:?}", self.id, self.seen);
    }

    async fn all_points(&mut self, points: &[Point]) {
        self.until("every point", |work, _| points.iter().all(|point| matches!(work.seen.get(point), Some(Some(_)))))
            .await;
    }

    async fn set(&mut self, setting: Setting) {
        let setpoints = vec![Setpoint { device: self.id.clone(), setting, reason: Reason::Surplus }];
        self.wanted.send_replace(Wanted::new(Setpoints { cycle: 1, setpoints }));
        self.until("the outcome", |_, report| match report {
            Some(Report::Applied { error, .. }) => {
                assert_eq!(*error, None);
                true
            }
            Some(Report::Values { .. } | Report::Unavailable { .. }) | None => false,
        })
        .await;
    }

    /// Wants all of it, in one cycle after another, until the house shows it.
    async fn keep(&mut self, settings: &[Setting], shown: impl Fn() -> bool) {
        let setpoint =
            |setting: &Setting| Setpoint { device: self.id.clone(), setting: *setting, reason: Reason::Surplus };
        let setpoints: Vec<Setpoint> = settings.iter().map(setpoint).collect();
        self.until("what is set", |work, _| {
            let cycle = work.wanted.borrow().setpoints.cycle + 1;
            work.wanted.send_replace(Wanted::new(Setpoints { cycle, setpoints: setpoints.clone() }));
            shown()
        })
        .await;
    }

    fn near(&self, point: Point, expected: f64, tolerance: f64) {
        let value = self.seen[&point].unwrap();
        assert!((value - expected).abs() <= tolerance, "{point}: {value}, not {expected}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_canonical_point_is_read_as_it_is_and_settings_arrive() {
    use Point::*;
    let stage = stage().await;
    stage.compute.send_replace(Watts(640.0));
    stage.pass(60).await;
    let shutdown = CancellationToken::new();
    let mut inverter = work(&stage, "fronius-gen24", &format!("tcp://{}", stage.house.inverter), &shutdown);
    let mut pump = work(&stage, "lambda-eu-l", &format!("tcp://{}", stage.house.heat_pump), &shutdown);
    let mut plug = work(&stage, "shelly-plug", &format!("mqtt://{}/{PREFIX}", stage.broker.address), &shutdown);

    inverter
        .all_points(&[
            GridPower,
            GridImportEnergy,
            GridExportEnergy,
            PvPower,
            PvEnergy,
            BatteryPower,
            BatterySoc,
            BatteryChargeEnergy,
            BatteryDischargeEnergy,
        ])
        .await;
    pump.all_points(&[
        OutdoorTemperature,
        HeatPumpPower,
        HeatPumpHeat,
        HeatPumpEnergy,
        HeatPumpHeatEnergy,
        HeatPumpFlowTemperature,
        HeatPumpReturnTemperature,
        TankTemperature,
        RoomTemperature,
    ])
    .await;
    plug.all_points(&[ComputePower, ComputeEnergy]).await;

    let truth = stage.house.truth();
    let (flows, state, counters) = (&truth.flows, &truth.state, &truth.state.counters);
    inverter.near(GridPower, flows.grid.0, 0.6);
    inverter.near(PvPower, flows.pv.0, 0.2);
    inverter.near(BatteryPower, flows.battery.0, 0.2);
    inverter.near(BatterySoc, state.stored.0 * 10.0, 0.02);
    inverter.near(GridImportEnergy, counters.import.0, 0.002);
    inverter.near(PvEnergy, counters.strings[0].0 + counters.strings[1].0, 0.002);
    inverter.near(BatteryDischargeEnergy, counters.discharged.0, 0.002);
    pump.near(HeatPumpPower, flows.heat_pump.electric.0, 0.6);
    pump.near(HeatPumpHeat, (flows.heat_pump.into_room + flows.heat_pump.into_tank).0, 51.0);
    pump.near(HeatPumpEnergy, counters.heat_pump.0, 0.002);
    pump.near(TankTemperature, state.tank.0, 0.06);
    pump.near(RoomTemperature, state.room.0, 0.06);
    pump.near(OutdoorTemperature, truth.conditions.outdoor.0, 0.06);
    plug.near(ComputePower, 640.0, 0.1);
    plug.near(ComputeEnergy, counters.compute.0, 0.002);

    inverter.set(Setting::BatteryMode(BatteryMode::Hold)).await;
    let storage = stage.house.truth().controls.storage;
    assert_eq!((storage.limit_discharge, storage.discharge_pct), (true, 0.0));
    pump.set(Setting::HeatPumpSurplus(Watts(2_200.0))).await;
    assert_eq!(stage.house.truth().offered(), Watts(2_200.0));

    // On the way out the safe values are written.
    shutdown.cancel();
    for work in [inverter, pump, plug] {
        timeout(SOON, work.task).await.expect("the device ends in time").unwrap();
    }
    let controls = stage.house.truth().controls;
    assert!(!controls.storage.limit_discharge && !controls.storage.limit_charge);
    assert_eq!(controls.surplus.map(|(watts, _)| watts), Some(0));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plan_sets_arrives_and_what_was_found_is_written_back() {
    let stage = stage().await;
    stage.pass(60).await;
    let shutdown = CancellationToken::new();
    let mut inverter = work(&stage, "fronius-gen24", &format!("tcp://{}", stage.house.inverter), &shutdown);
    let mut pump = work(&stage, "lambda-eu-l", &format!("tcp://{}", stage.house.heat_pump), &shutdown);
    let controls = || stage.house.truth().controls;
    pump.all_points(&[Point::TankTemperature, Point::RoomTemperature]).await;
    inverter.all_points(&[Point::BatteryPower]).await;

    // Power from the grid, room for the sun, other set points.
    let shifts = [Setting::HeatPumpHotWaterShift(Kelvins(6.0)), Setting::HeatPumpRoomShift(Kelvins(-1.5))];
    pump.keep(&shifts, || (controls().tank_set, controls().room_set) == (Some(56.0), Some(19.5))).await;
    let charge = [Setting::BatteryMode(BatteryMode::Charge), Setting::BatteryChargePower(Watts(1_500.0))];
    let charges =
        |storage: &StorageControls| storage.limit_discharge && storage.discharge_pct == -30.0 && storage.from_grid;
    inverter.keep(&charge, || charges(&controls().storage)).await;
    let room = [Setting::BatteryMode(BatteryMode::Normal), Setting::BatteryChargeLimit(Percent(20.0))];
    let keeps_room =
        |storage: &StorageControls| storage.limit_charge && !storage.limit_discharge && storage.charge_pct == 20.0;
    inverter.keep(&room, || keeps_room(&controls().storage)).await;

    shutdown.cancel();
    for work in [inverter, pump] {
        timeout(SOON, work.task).await.expect("the device ends in time").unwrap();
    }
    let controls = controls();
    assert!(!controls.storage.limit_discharge && !controls.storage.limit_charge && !controls.storage.from_grid);
    assert_eq!((controls.storage.charge_pct, controls.storage.discharge_pct), (100.0, 100.0));
    assert_eq!((controls.tank_set, controls.room_set), (Some(50.0), Some(21.4)));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_days_are_noticed_and_never_read_as_zero() {
    let stage = stage().await;
    let shutdown = CancellationToken::new();
    let faults = stage.house.faults();
    let mut pump = work(&stage, "lambda-eu-l", &format!("tcp://{}", stage.house.heat_pump), &shutdown);
    pump.all_points(&[Point::TankTemperature]).await;
    faults.set(Device::HeatPump, Fault::Nan);
    pump.until("no value", |work, _| work.seen[&Point::TankTemperature].is_none()).await;
    faults.set(Device::HeatPump, Fault::Refused);
    pump.until("gone", |_, report| matches!(report, Some(Report::Unavailable { .. }))).await;
    faults.set(Device::HeatPump, Fault::None);
    pump.until("back", |work, _| work.seen[&Point::TankTemperature].is_some()).await;
    shutdown.cancel();
    timeout(SOON, pump.task).await.expect("the device ends in time").unwrap();
    stage.end().await;
}
