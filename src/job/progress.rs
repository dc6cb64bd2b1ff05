//! How far a job is, and what follows from it.

#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub position_us: i64,
    pub duration_us: Option<i64>,
    pub frames: u64,
    pub size_bytes: u64,
    pub elapsed_us: i64,
}

impl Progress {
    /// Frames written per second of real time.
    pub fn fps(&self) -> f64 {
        if self.elapsed_us <= 0 { 0.0 } else { self.frames as f64 * 1e6 / self.elapsed_us as f64 }
    }

    /// Media time per real time.
    pub fn speed(&self) -> f64 {
        if self.elapsed_us <= 0 { 0.0 } else { self.position_us as f64 / self.elapsed_us as f64 }
    }

    /// 0 to 100.
    pub fn percent(&self) -> Option<f64> {
        let duration = self.duration_us.filter(|duration| *duration > 0)?;
        Some((self.position_us as f64 * 100.0 / duration as f64).clamp(0.0, 100.0))
    }

    pub fn time_left_us(&self) -> Option<i64> {
        let left = (self.duration_us? - self.position_us).max(0);
        let speed = self.speed();
        match left {
            0 => Some(0),
            left => (speed > 0.0).then(|| (left as f64 / speed) as i64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_way_at_double_speed() {
        let progress = Progress {
            position_us: 5_000_000,
            duration_us: Some(10_000_000),
            frames: 125,
            size_bytes: 1,
            elapsed_us: 2_500_000,
        };
        assert_eq!(progress.percent(), Some(50.0));
        assert_eq!(progress.speed(), 2.0);
        assert_eq!(progress.fps(), 50.0);
        assert_eq!(progress.time_left_us(), Some(2_500_000));
    }

    #[test]
    fn nothing_is_guessed_from_nothing() {
        let progress = Progress::default();
        assert_eq!((progress.percent(), progress.time_left_us(), progress.speed()), (None, None, 0.0));
    }
}
