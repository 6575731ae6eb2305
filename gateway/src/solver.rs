//! The solver of the planner's linear programs: HiGHS, one thread, dual simplex, limited by iterations so that the same program is solved
//! the same on every machine.
//!
//! It begins where it last ended: a program of the same shape starts at the last optimal basis; one that differs from the last in the
//! bounds of its columns alone is solved on, as HiGHS has it.

use highs::{ColProblem, HighsModelStatus, Model, Sense, SolvedModel};
use plant::plan::{Plan, PlanRequest};
use plant::program::{Program, Solution};
use std::ffi::c_int;

/// The most iterations of a program; usual ones take some hundred, the first of a shape a few thousand.
const ITERATIONS_MAX: i32 = 50_000;

/// The solver, and where it last ended.
#[derive(Debug, Default)]
pub(crate) struct Solver {
    last: Option<Solved>,
    /// The basis at the optimum of the last program that was begun anew.
    basis: Option<Basis>,
}

/// A program that was solved.
#[derive(Debug)]
struct Solved {
    program: Program,
    model: SolvedModel,
}

/// Which columns and rows are at which of their bounds, as HiGHS counts them.
#[derive(Clone, Debug)]
struct Basis {
    columns: Vec<c_int>,
    rows: Vec<c_int>,
}

impl Solver {
    /// The plan for `request`.
    pub(crate) fn plan(&mut self, request: &PlanRequest) -> Plan {
        plant::plan(request, &mut |program| self.solve(program))
    }

    /// The optimum of `program`; `None` where there is none, or none was found in time.
    fn solve(&mut self, program: &Program) -> Option<Solution> {
        let model = match self.last.take() {
            Some(last) if differ_in_bounds(&last.program, program) => solve_on(last, program)?,
            Some(_) | None => {
                let begun = self.begin(program)?;
                self.basis = Some(basis(&begun, program));
                begun
            }
        };
        let found = model.get_solution();
        let solution = Solution {
            cost: model.objective_value(),
            values: found.columns().to_vec(),
            duals: found.dual_rows().to_vec(),
        };
        self.last = Some(Solved { program: program.clone(), model });
        Some(solution)
    }

    /// Solves `program` from the last basis; where that leads nowhere, from nothing and simplified first.
    fn begin(&mut self, program: &Program) -> Option<SolvedModel> {
        let mut model = model(program)?;
        if let Some(basis) = &self.basis
            && basis.columns.len() == program.columns.len()
            && basis.rows.len() == program.rows.len()
        {
            // SAFETY: the model has as many columns and rows as the two slices have numbers.
            unsafe {
                highs_sys::Highs_setBasis(model.as_mut_ptr(), basis.columns.as_ptr(), basis.rows.as_ptr());
            }
        }
        optimum(model).or_else(|| {
            let mut model = self::model(program)?;
            model.try_set_option("presolve", "on").ok()?;
            optimum(model)
        })
    }
}

/// Whether two programs differ in nothing but the bounds of their columns.
fn differ_in_bounds(a: &Program, b: &Program) -> bool {
    a.columns.len() == b.columns.len()
        && a.rows == b.rows
        && a.terms == b.terms
        && a.columns.iter().zip(&b.columns).all(|(a, b)| a.cost == b.cost)
}

fn solve_on(last: Solved, program: &Program) -> Option<SolvedModel> {
    let mut model = Model::from(last.model);
    for (index, (before, now)) in last.program.columns.iter().zip(&program.columns).enumerate() {
        if before != now {
            let index = c_int::try_from(index).ok()?;
            // SAFETY: the program has this column; the call changes nothing else.
            unsafe {
                highs_sys::Highs_changeColBounds(model.as_mut_ptr(), index, now.lower, now.upper);
            }
        }
    }
    optimum(model)
}

fn model(program: &Program) -> Option<Model> {
    let mut problem = ColProblem::default();
    let rows: Vec<_> = program.rows.iter().map(|row| problem.add_row(row.lower..=row.upper)).collect();
    let mut terms: Vec<Vec<(highs::Row, f64)>> = vec![Vec::new(); program.columns.len()];
    for (row, column, value) in &program.terms {
        terms.get_mut(*column as usize)?.push((*rows.get(*row as usize)?, *value));
    }
    for (column, terms) in program.columns.iter().zip(terms) {
        problem.add_column(column.cost, column.lower..=column.upper, terms);
    }
    let mut model = problem.try_optimise(Sense::Minimise).ok()?;
    model.try_set_option("threads", 1).ok()?;
    model.try_set_option("presolve", "off").ok()?;
    model.try_set_option("simplex_iteration_limit", ITERATIONS_MAX).ok()?;
    Some(model)
}

fn optimum(model: Model) -> Option<SolvedModel> {
    let solved = model.try_solve().ok()?;
    (solved.status() == HighsModelStatus::Optimal).then_some(solved)
}

fn basis(model: &SolvedModel, program: &Program) -> Basis {
    let mut basis = Basis { columns: vec![0; program.columns.len()], rows: vec![0; program.rows.len()] };
    // SAFETY: the model was made of this program and fills as many numbers as that has columns and rows.
    unsafe {
        highs_sys::Highs_getBasis(model.as_ptr(), basis.columns.as_mut_ptr(), basis.rows.as_mut_ptr());
    }
    basis
}

#[cfg(test)]
mod account_test;
#[cfg(test)]
mod calm_test;
#[cfg(test)]
mod complaint_test;
#[cfg(test)]
mod legionella_test;
#[cfg(test)]
mod own_rule_test;
#[cfg(test)]
mod plan_test;
#[cfg(test)]
mod random_plan_test;
#[cfg(test)]
mod switched_test;

#[cfg(test)]
mod tests {
    use super::*;

    /// Two stores of a good: buy at 1 or 3, sell at 2, at most 5 stored.
    fn program() -> Program {
        let mut program = Program::default();
        let buy = program.column(1.0, [0.0, f64::INFINITY]);
        let later = program.column(3.0, [0.0, f64::INFINITY]);
        let stored = program.column(0.0, [0.0, 5.0]);
        program.row([(buy, 1.0), (stored, -1.0)], [2.0, 2.0]);
        program.row([(stored, 1.0), (later, 1.0)], [8.0, 8.0]);
        program
    }

    #[test]
    fn the_cheapest_way_is_found_with_what_more_would_cost() {
        let mut solver = Solver::default();
        for _ in 0..2 {
            let found = solver.solve(&program()).unwrap();
            assert_eq!(found.values, [7.0, 3.0, 5.0]);
            assert_eq!((found.cost, found.duals), (16.0, vec![1.0, 3.0]));
        }
    }

    #[test]
    fn another_bound_is_solved_on_and_the_impossible_is_none() {
        let mut solver = Solver::default();
        let mut other = program();
        assert!(solver.solve(&other).is_some());
        other.columns[2].upper = 1.0;
        assert_eq!(solver.solve(&other).unwrap().values, [3.0, 7.0, 1.0]);
        other.columns[1].upper = 2.0;
        assert_eq!(solver.solve(&other), None);
        assert_eq!(solver.solve(&program()).unwrap().values, [7.0, 3.0, 5.0]);
    }
}
