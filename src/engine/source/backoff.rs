//! How long to wait before the next try: twice as long each time, and never quite the same, so that a thousand players do not come back at once.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Before try `failures` + 1; `chance` is between 0 and 1.
pub fn delay(failures: u32, first: Duration, most: Duration, chance: f64) -> Duration {
    let doubled = first.saturating_mul(1u32 << failures.saturating_sub(1).min(20));
    doubled.min(most).mul_f64(0.75 + 0.5 * chance.clamp(0.0, 1.0))
}

/// A number between 0 and 1 that nobody foresees.
pub fn chance() -> f64 {
    RandomState::new().hash_one(0u8) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_most_with_a_quarter_of_chance() {
        let (first, most) = (Duration::from_millis(100), Duration::from_secs(1));
        let middle: Vec<u128> = (1..7).map(|failures| delay(failures, first, most, 0.5).as_millis()).collect();
        assert_eq!(middle, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(delay(1, first, most, 0.0), Duration::from_millis(75));
        assert_eq!(delay(99, first, most, 1.0), Duration::from_millis(1250));
        assert!((0..100).map(|_| chance()).all(|chance| (0.0..=1.0).contains(&chance)));
    }
}
