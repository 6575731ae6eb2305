//! The connection to the grid: what is taken, what is given, and what the inverter curtails.

/// Powers at the connection, kW.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Exchange {
    /// Taken from the grid.
    pub import: f64,
    /// Given to it.
    pub export: f64,
    /// Sun that the inverter leaves on the roof.
    pub curtailed: f64,
}

/// What the connection exchanges where the house lacks `lacking` kW (negative: has too much), may give `cap` at most, and gives
/// nothing where nothing is paid.
pub(crate) fn exchange(lacking: f64, cap: Option<f64>, paid: bool) -> Exchange {
    let surplus = (-lacking).max(0.0);
    let export = if paid { surplus.min(cap.unwrap_or(f64::INFINITY)) } else { 0.0 };
    Exchange { import: lacking.max(0.0), export, curtailed: surplus - export }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_beyond_the_cap_or_without_pay_stays_on_the_roof() {
        assert_eq!(exchange(2.0, Some(4.0), true), Exchange { import: 2.0, ..Exchange::default() });
        assert_eq!(exchange(-5.0, Some(4.0), true), Exchange { import: 0.0, export: 4.0, curtailed: 1.0 });
        assert_eq!(exchange(-5.0, None, true), Exchange { import: 0.0, export: 5.0, curtailed: 0.0 });
        assert_eq!(exchange(-5.0, None, false), Exchange { import: 0.0, export: 0.0, curtailed: 5.0 });
    }
}
