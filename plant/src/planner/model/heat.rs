//! Compute's heat by its ways, and the heat pump by what it does.

use super::{Model, TIE};

impl Model<'_> {
    /// The ways of compute's heat, and the heat pump's power.
    pub(super) fn heat(&mut self) {
        let (home, nodes) = (self.home, self.nodes);
        let ways = home.compute.ways;
        let open = |way: bool| if way { f64::INFINITY } else { 0.0 };
        let (room, tank, source) = (
            home.room.is_some() && ways.room,
            home.tank.is_some() && ways.tank.is_some(),
            home.room.is_some() && ways.source,
        );
        let to_room = self.quantity(|_| (0.0, [0.0, open(room)]));
        let to_tank = self.quantity(|_| (0.0, [0.0, open(tank)]));
        let to_source = self.quantity(|node| (nodes.hourly(node, TIE), [0.0, open(source)]));
        for node in 0..self.nodes.all.len() {
            let led = [(to_room[node], 1.0), (to_tank[node], 1.0), (to_source[node], 1.0)];
            let made = (self.columns.compute[node], -home.compute.heat);
            self.program.row(led.into_iter().chain([made]), [f64::NEG_INFINITY, 0.0]);
        }
        for way in [&to_room, &to_tank, &to_source] {
            self.balance(way, home.compute.fan);
        }
        (self.columns.to_room, self.columns.to_tank, self.columns.to_source) = (to_room, to_tank, to_source);
        self.heat_pump();
    }

    fn heat_pump(&mut self) {
        let Some(heater) = self.home.heater else { return };
        let (home, expected, nodes) = (self.home, self.expected, self.nodes);
        let price = |node| heater.fuel.map_or(0.0, |price| nodes.hourly(node, price));
        let heating = self.quantity(|node| {
            let own = home.room.map_or(0.0, |room| room.own_power(&expected[node]));
            let most = heater.for_room.map_or(own.min(heater.max), |most| if home.room.is_some() { most } else { 0.0 });
            (price(node), [0.0, most])
        });
        let for_tank = home.tank.map_or(0.0, |_| heater.for_tank.unwrap_or(heater.max));
        let hot_water = self.quantity(|node| (price(node), [0.0, for_tank]));
        let cools = heater.cools.filter(|_| home.room.is_some());
        let cooling = self.quantity(|node| {
            let most = cools.filter(|_| expected[node].summer).unwrap_or(0.0);
            (nodes.hourly(node, TIE), [0.0, most])
        });
        for node in 0..self.nodes.all.len() {
            let parts = [(heating[node], 1.0), (hot_water[node], 1.0), (cooling[node], 1.0)];
            self.program.row(parts, [f64::NEG_INFINITY, heater.max]);
            // The source side takes no more than the pump moves from it.
            let taken = [(self.columns.to_source[node], 1.0), (heating[node], 1.0 - expected[node].cop_room)];
            self.program.row(taken, [f64::NEG_INFINITY, 0.0]);
        }
        if heater.fuel.is_none() {
            [&heating, &hot_water, &cooling].into_iter().for_each(|part| self.balance(part, -1.0));
        }
        (self.columns.heating, self.columns.hot_water, self.columns.cooling) = (heating, hot_water, cooling);
    }
}
