//! The one thing that can fail in the core: a word that it does not know.

/// A word that names no mode, point, control or currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownWord {
    /// Not a mode.
    #[error("unknown mode '{0}'; expected off, auto, surplus, heat, boost or eco")]
    Mode(String),
    /// Not a canonical point.
    #[error("unknown point '{0}'")]
    Point(String),
    /// Not a control.
    #[error("unknown control '{0}'")]
    Control(String),
    /// Not the code of a currency.
    #[error("'{0}' is no currency; expected an ISO 4217 code, as EUR or CZK")]
    Currency(String),
}
