//! Stand-in until the model lands.
#![allow(missing_docs, dead_code)]
use crate::entry::{SlotReadings, Stores};
use crate::site::Site;
use crate::time::Slot;
use crate::units::{Celsius, KilowattHours, Watts};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Passed {
    pub slot: Slot,
    pub observed: Duration,
    pub pv: Option<Watts>,
    pub load: Option<Watts>,
    pub compute: Option<Watts>,
    pub heat_pump: Option<Watts>,
    pub hot_water: Option<Watts>,
    pub battery: Watts,
    pub outdoor: Option<Celsius>,
    pub irradiance: Option<f64>,
    pub before: SlotReadings,
    pub after: SlotReadings,
    pub export_pays: Option<bool>,
}
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Without {
    pub import: KilowattHours,
    pub export: KilowattHours,
    pub pv: KilowattHours,
    pub charged: KilowattHours,
    pub discharged: KilowattHours,
    pub heat_pump: KilowattHours,
    pub spread: KilowattHours,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineState {}
#[derive(Clone, Debug)]
pub(crate) struct Baseline {}
impl Baseline {
    pub(crate) fn new(_: &Site, _: Option<&BaselineState>) -> Self {
        Self {}
    }
    pub(crate) fn pass(&mut self, _: &Site, _: &Passed) -> Option<Without> {
        None
    }
    pub(crate) fn stores(&self, _: &Site, _: &SlotReadings) -> Stores {
        Stores::default()
    }
    pub(crate) fn colder(&self, _: &Site, _: &SlotReadings) -> Watts {
        Watts::ZERO
    }
    pub(crate) fn bring_back(&mut self, _: &Site, _: &SlotReadings) {}
    pub(crate) fn state(&self) -> BaselineState {
        BaselineState {}
    }
}
