//! A linear program and its solution, as plain data: the planner makes the one and reads the other, and a solver that knows nothing of
//! houses stands between them.
//!
//! ```text
//! minimise cost * x   where   lower <= x <= upper   and   lower <= A x <= upper
//! ```

/// A linear program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// The variables.
    pub columns: Vec<Column>,
    /// The constraints.
    pub rows: Vec<Row>,
    /// The coefficients: row, column, value; no pair of row and column stands twice.
    pub terms: Vec<(u32, u32, f64)>,
}

/// A variable.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Column {
    /// What one of it costs.
    pub cost: f64,
    /// The least it may be.
    pub lower: f64,
    /// The most it may be; infinity for no bound.
    pub upper: f64,
}

/// A constraint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// The least its sum may be; minus infinity for no bound.
    pub lower: f64,
    /// The most its sum may be.
    pub upper: f64,
}

/// An optimal solution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Solution {
    /// What it costs.
    pub cost: f64,
    /// The value of each column.
    pub values: Vec<f64>,
    /// For each row, by how much the cost would rise if both of its bounds were one higher.
    pub duals: Vec<f64>,
}

/// Solves a program; `None` where it has no optimal solution, or none was found within the solver's limit of iterations. What it was
/// given before may make it quicker.
pub type Solve<'a> = dyn FnMut(&Program) -> Option<Solution> + 'a;

impl Program {
    /// A variable that costs `cost`, within `[lower, upper]`; returns its number.
    pub fn column(&mut self, cost: f64, [lower, upper]: [f64; 2]) -> usize {
        self.columns.push(Column { cost, lower, upper });
        self.columns.len() - 1
    }

    /// A constraint on the sum of `terms`, column and coefficient, within `[lower, upper]`; returns its number.
    pub fn row(&mut self, terms: impl IntoIterator<Item = (usize, f64)>, [lower, upper]: [f64; 2]) -> usize {
        let row = self.rows.len();
        self.rows.push(Row { lower, upper });
        self.terms.extend(terms.into_iter().map(|(column, value)| (row as u32, column as u32, value)));
        row
    }
}
