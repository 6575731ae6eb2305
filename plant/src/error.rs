//! The one thing that can fail in the core: a word that it does not know.

/// A word that names no mode, point or control.
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
}
