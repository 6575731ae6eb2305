//! A drawing as SVG: boxes, lines and words on white paper, with scales for values.

use std::fmt::Write;

/// Ink of frames and words.
pub(super) const INK: &str = "#333333";
const FAINT: &str = "#dddddd";

/// A drawing that grows.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

/// A box of the drawing in which values are drawn against a scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Panel {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub least: f64,
    pub most: f64,
    /// Values from left to right.
    pub columns: f64,
}

impl Panel {
    /// A panel whose scale has room for `values`, in round steps; zero is always on it where `zero` says so.
    pub(super) fn holding(mut self, values: impl Iterator<Item = f64>, zero: bool) -> Self {
        let start = if zero { (0.0, 0.0) } else { (f64::INFINITY, f64::NEG_INFINITY) };
        let finite = values.filter(|value| value.is_finite());
        let (least, most) = finite.fold(start, |(least, most), value| (least.min(value), most.max(value)));
        let (least, most) = if least > most { (0.0, 1.0) } else { (least, most) };
        let most = if most - least < 1e-9 { least + 1.0 } else { most };
        let step = step(most - least);
        (self.least, self.most) = ((least / step).floor() * step, (most / step).ceil() * step);
        self
    }

    pub(super) fn x(&self, column: f64) -> f64 {
        self.left + self.width * column / self.columns
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.top + self.height * (self.most - value) / (self.most - self.least)
    }
}

/// A round step of which three to seven fill `span`.
fn step(span: f64) -> f64 {
    let decade = 10f64.powf((span / 4.0).log10().floor());
    let found = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * decade >= span / 5.0);
    found.unwrap_or(10.0) * decade
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Words whose anchor (`start`, `middle`, `end`) is at x and y.
    pub(super) fn words(&mut self, (x, y): (f64, f64), (size, anchor): (u32, &str), words: &str) {
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{INK}\">{words}</text>"
        ));
    }

    /// A filled box; one of negative height is turned over.
    pub(super) fn filled(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
        let (y, height) = if height < 0.0 { (y + height, -height) } else { (y, height) };
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        ));
    }

    fn line(&mut self, (x, y): (f64, f64), (to_x, to_y): (f64, f64), colour: &str) {
        self.add(format_args!(
            "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{to_x:.1}\" y2=\"{to_y:.1}\" stroke=\"{colour}\"/>"
        ));
    }

    /// The scale of a panel: lines and their values at the left, its title above.
    pub(super) fn scale(&mut self, panel: &Panel, title: &str) {
        let step = step(panel.most - panel.least);
        let decimals = if step < 0.1 { 2 } else { usize::from(step < 1.0) };
        let mut value = panel.least;
        while value <= panel.most + step / 10.0 {
            let y = panel.y(value);
            let colour = if value.abs() < step / 10.0 { INK } else { FAINT };
            self.line((panel.left, y), (panel.left + panel.width, y), colour);
            let shown = if value.abs() < step / 10.0 { 0.0 } else { value };
            self.words((panel.left - 6.0, y + 4.0), (11, "end"), &format!("{shown:.decimals$}"));
            value += step;
        }
        self.words((panel.left, panel.top - 8.0), (13, "start"), title);
    }

    /// A stroke through `values`, one a column, interrupted where a value is not known.
    pub(super) fn stroke(&mut self, panel: &Panel, values: &[Option<f64>], colour: &str) {
        let mut path = String::new();
        let mut drawn = false;
        for (value, column) in values.iter().zip(0i32..) {
            if let Some(value) = value {
                let letter = if drawn { 'L' } else { 'M' };
                let _ = write!(path, "{letter}{:.1} {:.1}", panel.x(f64::from(column) + 0.5), panel.y(*value));
            }
            drawn = value.is_some();
        }
        self.add(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"));
    }

    /// The area between zero and `values`.
    pub(super) fn area(&mut self, panel: &Panel, values: &[f64], colour: &str) {
        let mut path = format!("M{:.1} {:.1}", panel.x(0.5), panel.y(0.0));
        for (value, column) in values.iter().zip(0i32..) {
            let _ = write!(path, "L{:.1} {:.1}", panel.x(f64::from(column) + 0.5), panel.y(*value));
        }
        let _ = write!(path, "L{:.1} {:.1}Z", panel.x(values.len() as f64 - 0.5), panel.y(0.0));
        self.add(format_args!("<path d=\"{path}\" fill=\"{colour}\" fill-opacity=\"0.75\"/>"));
    }

    /// What the colours mean, from x on.
    pub(super) fn legend(&mut self, (x, y): (f64, f64), entries: &[(&str, &str)]) {
        let mut x = x;
        for (name, colour) in entries {
            self.filled((x, y - 9.0), (12.0, 10.0), colour);
            self.words((x + 16.0, y), (12, "start"), name);
            x += 34.0 + 6.7 * name.chars().count() as f64;
        }
    }

    /// The file.
    pub(super) fn svg(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{element}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_hold_their_values() {
        let panel = Panel { left: 50.0, top: 10.0, width: 100.0, height: 80.0, least: 0.0, most: 0.0, columns: 10.0 };
        for (values, zero, least, most) in [
            (vec![3.0, 17.0], true, 0.0, 20.0),
            (vec![-3.0, 17.0], true, -5.0, 20.0),
            (vec![20.2, 21.9], false, 20.0, 22.0),
            (vec![], true, 0.0, 1.0),
            (vec![21.0, 21.0], false, 21.0, 22.0),
        ] {
            let found = panel.holding(values.iter().copied(), zero);
            assert!((found.least - least).abs() < 1e-6 && found.most >= most - 1e-9, "{values:?}: {found:?}");
            assert!(found.y(found.most) == 10.0 && (found.y(found.least) - 90.0).abs() < 1e-9);
        }
        assert_eq!([1.0, 4.4, 18.0, 100.0].map(step), [0.2, 1.0, 5.0, 20.0]);
    }

    #[test]
    fn words_cannot_break_the_drawing() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.words((1.0, 2.0), (12, "start"), "a < b & c");
        assert!(canvas.svg().contains(">a &lt; b &amp; c</text>"));
    }
}
