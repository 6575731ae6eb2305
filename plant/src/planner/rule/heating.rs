//! Heat that finds a use in the slots ahead, as compute's own heat fills the store.

use crate::plan::PlanRequest;
use crate::planner::rule::allocate::Taken;
use crate::planner::rule::horizon::Horizon;
use crate::site::HeatSink;
use crate::time::Slot;
use crate::units::{Celsius, Watts};
use crate::value::thermal::{self, Temperatures};

/// Heat that finds a use in each slot.
#[derive(Debug)]
pub(super) struct Heating {
    /// In thermal watts, slot by slot.
    pub useful: Vec<Watts>,
}

impl Heating {
    /// Nothing warmed by compute yet.
    pub(super) fn of(request: &PlanRequest, horizon: &Horizon) -> Self {
        Self::with(request, horizon, |_| Watts::ZERO)
    }

    /// The same once compute has run as in `taken`.
    pub(super) fn warmed_by(&self, request: &PlanRequest, horizon: &Horizon, taken: &[Taken]) -> Self {
        Self::with(request, horizon, |index| taken[index].heat)
    }

    /// The store stays where its own heating holds it, unless compute gives it more than it loses.
    fn with(request: &PlanRequest, horizon: &Horizon, heat: impl Fn(usize) -> Watts) -> Self {
        let site = &request.site;
        let store = thermal::store(site);
        let mut warmed = 0.0;
        let useful = horizon.slots.iter().enumerate().map(|(index, slot)| {
            let temperatures = Temperatures {
                room: request.room.map(|room| Celsius(room.0 + warmed)),
                tank: request.tank.map(|tank| Celsius(tank.0 + warmed)),
                outdoor: slot.outdoor,
                outdoor_mean: request.outdoor_mean,
            };
            let useful = thermal::useful(site, &temperatures, Slot::LENGTH);
            if let Some(store) = store {
                let around = match site.compute.heat_into {
                    HeatSink::Tank => Some(Celsius(20.0)),
                    HeatSink::Room | HeatSink::HeatPumpSource | HeatSink::Outside => slot.outdoor,
                };
                let own = request.room.filter(|_| site.compute.heat_into == HeatSink::Room).or(request.tank);
                let above = own.zip(around).map_or(0.0, |(own, around)| (own.0 + warmed - around.0).max(0.0));
                let gain = (heat(index).0 / 1000.0 - store.loss_kw_per_k * above) * 0.25;
                warmed = (warmed + gain / store.capacity_kwh_per_k.max(1e-3)).max(0.0);
            }
            useful
        });
        Self { useful: useful.collect() }
    }
}
