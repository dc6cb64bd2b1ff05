//! A job that reads takes what the host writes once in a while (-mt_gather_ms): of what a live stream costs most is not its bytes, but to wake up for them.

use super::Pipe;
use super::state::State;
use std::time::{Duration, Instant};

impl Pipe {
    /// The job that reads takes what the host writes once in `interval`, or when half of the pipe is full: it wakes up less often. None: as it comes.
    pub(super) fn gather(&self, interval: Option<Duration>) {
        let mut state = self.state.lock();
        if state.gathers == interval {
            return;
        }
        state.gathers = interval;
        if interval.is_none() && !state.writer.is_bound {
            state.show_all();
        }
        self.settle(&mut state);
    }
}

/// Shows what has come when the time is over, or says when that is; at `until` at the latest, when the reader has no more of it.
pub(super) fn look(
    state: &mut State,
    interval: Duration,
    until: Option<Instant>,
    look_at: &mut Option<Instant>,
) -> Option<Instant> {
    let now = Instant::now();
    let time = *look_at.get_or_insert_with(|| until.map_or(now + interval, |until| until.min(now + interval)));
    if now < time {
        return Some(time);
    }
    state.show_all();
    state.is_starved = state.shown_bytes() == 0;
    None
}

#[cfg(test)]
mod tests {
    use super::super::PipeConfig;
    use super::super::tests::{GIVE_UP, Nobody};
    use super::super::transfer::Wait;
    use super::*;
    use crate::error::Code;
    use std::sync::Arc;

    const LONG: Duration = Duration::from_secs(60);

    fn gathering(interval: Duration) -> Arc<Pipe> {
        let config = PipeConfig::new(8192, 512, 40, 0).unwrap();
        let pipe = Pipe::new(config, &Arc::default(), Box::new(Nobody)).unwrap();
        pipe.gather(Some(interval));
        pipe
    }

    fn read(pipe: &Pipe, wait: Wait) -> Result<usize, Code> {
        pipe.read_as(GIVE_UP, &mut [0; 8192], wait).map_err(|error| error.code())
    }

    #[test]
    fn what_is_less_than_half_of_the_pipe_waits_and_is_read_at_once() {
        let pipe = gathering(LONG);
        for _ in 0..4 {
            assert_eq!(pipe.write(&[1; 1000], Wait::Never).unwrap(), 1000);
            assert_eq!(read(&pipe, Wait::Never), Err(Code::EAGAIN));
        }
        // When half of it is full, then the reader has all.
        pipe.write(&[1; 96], Wait::Never).unwrap();
        assert_eq!(read(&pipe, Wait::Never), Ok(4096));
        // And what was held comes before the end, or when nobody lets it gather any more.
        pipe.write(&[1; 100], Wait::Never).unwrap();
        pipe.gather(None);
        assert_eq!(read(&pipe, Wait::Never), Ok(100));
        pipe.gather(Some(LONG));
        pipe.write(&[1; 100], Wait::Never).unwrap();
        pipe.close_write(0).unwrap();
        assert_eq!((read(&pipe, Wait::Never), read(&pipe, Wait::Never)), (Ok(100), Ok(0)));
    }

    #[test]
    fn a_reader_looks_when_the_time_is_over_or_its_own() {
        let pipe = gathering(Duration::from_millis(30));
        pipe.write(&[1; 10], Wait::Never).unwrap();
        assert_eq!(read(&pipe, Wait::Forever), Ok(10));
        // Nothing came for longer: then the first byte is not waited with.
        let reader = std::thread::spawn({
            let pipe = Arc::clone(&pipe);
            move || read(&pipe, Wait::Forever)
        });
        while !pipe.state.lock().is_starved {
            std::thread::yield_now();
        }
        pipe.write(&[1], Wait::Never).unwrap();
        assert_eq!(reader.join().unwrap(), Ok(1));
        // A reader with less time gets what is there in its time, or hears that it is over.
        let pipe = gathering(LONG);
        pipe.write(&[1; 10], Wait::Never).unwrap();
        assert_eq!(read(&pipe, Wait::For(Duration::from_millis(5))), Ok(10));
        assert_eq!(read(&pipe, Wait::For(Duration::from_millis(5))), Err(Code::ETIMEDOUT));
    }

    #[test]
    fn half_of_the_pipe_wakes_a_reader_that_waits() {
        let pipe = gathering(LONG);
        let reader = std::thread::spawn({
            let pipe = Arc::clone(&pipe);
            move || read(&pipe, Wait::Forever)
        });
        pipe.write(&[1; 5000], Wait::Forever).unwrap();
        assert_eq!(reader.join().unwrap(), Ok(5000));
    }
}
