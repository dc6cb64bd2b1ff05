//! What goes into the graph: frames as they come, gaps and ends of its sources.

use super::*;

impl FilterStage {
    /// Gives the graph a frame that it did not ask for. A graph that has had enough of a source (trim) throws its frames away,
    /// which shows in their reference count: such a source need not pile up in its link. One that keeps them is left alone.
    pub(super) fn offer(&mut self, source: usize, frame: Frame) -> Result<(), Error> {
        let spare = frame.reference().map_err(|e| self.error(e))?;
        let before = spare.references();
        self.frame(source, frame)?;
        let is_kept = spare.references() >= before;
        let state = &mut self.sources[source];
        state.discarded = if is_kept { 0 } else { state.discarded + 1 };
        state.patience = match state.discarded {
            0 => state.patience.max(PATIENCE) * 2,
            1..=3 => state.patience,
            _ => 0,
        };
        Ok(())
    }

    pub(super) fn frame(&mut self, source: usize, frame: Frame) -> Result<(), Error> {
        let new = SourceFormat::of_frame(&frame).map_err(|e| self.error(e))?;
        let state = &self.sources[source];
        let kind = state.settings.kind;
        let (is_other, must_rebuild) = match &state.format {
            Some(old) => (old.needs_rebuild(&new, kind), old.matrix != new.matrix || old.pool != new.pool),
            None => (true, false),
        };
        if (is_other || must_rebuild) && state.settings.drops_changed && self.graph.is_some() {
            self.warn_dropped(source);
            return Ok(());
        }
        let may_rebuild = state.settings.reinit || self.graph.is_none();
        if (is_other && may_rebuild) || must_rebuild {
            self.sources[source].format = Some(new);
            if self.sources.iter().any(|s| s.format.is_none()) {
                self.sources[source].waiting.push_back(frame);
                return Ok(());
            }
            // What is inside comes out before the graph is built anew.
            self.reap()?;
            self.configure()?;
        }
        self.push(source, &frame)
    }

    /// -drop_changed: says once that frames of another format are left out.
    pub(super) fn warn_dropped(&mut self, source: usize) {
        if !std::mem::replace(&mut self.sources[source].has_dropped, true) {
            self.context.warn("filter", None, "frames of another format are left out (-drop_changed)");
        }
    }

    pub(super) fn shown(&mut self, source: usize, canvas: Frame, end_pts: i64) -> Result<(), Error> {
        let Some(state) = &mut self.sources[source].canvas else { return Ok(()) };
        match state.picture(canvas, end_pts) {
            Ok(frame) => self.push(source, &frame),
            Err(error) => Err(self.error(error)),
        }
    }

    /// The file of a source of subtitles has come as far as `pts`.
    pub(super) fn heartbeat(&mut self, source: usize, pts: i64) -> Result<(), Error> {
        let is_wanted = self.graph.as_ref().is_some_and(|graph| graph.failed_requests(source) > 0);
        let Some(state) = &mut self.sources[source].canvas else { return Ok(()) };
        let frames = state.heartbeat(pts, is_wanted).map_err(|e| self.error(e))?;
        frames.iter().try_for_each(|frame| self.push(source, frame))
    }

    /// aresample fills a gap with silence at once, however long it is (swr_next_pts).
    pub(super) fn check_gap(&mut self, source: usize, frame: &Frame) -> Result<(), Error> {
        let state = &mut self.sources[source];
        let (Some(limit), MediaKind::Audio, pts) = (self.context.trust.limits.repeat, state.settings.kind, frame.pts())
        else {
            return Ok(());
        };
        let samples = i64::from(frame.samples()).max(1);
        let is_stretched = state.settings.audio.stretch > 0; // -async: an aresample that begins at zero
        let fills_gaps = self.plan.fills_gaps || is_stretched;
        let begins_at_zero = fills_gaps.then_some(0).filter(|_| self.plan.fills_from_zero || is_stretched);
        let expected = state.next_pts.or(begins_at_zero).unwrap_or(pts);
        if pts != NOPTS {
            state.next_pts = Some(pts.saturating_add(samples));
        }
        let missing = pts.saturating_sub(expected) / samples;
        match pts != NOPTS && fills_gaps && missing > limit.min(i64::MAX as u64) as i64 {
            true => Err(crate::engine::encode::too_many_frames(limit)),
            false => Ok(()),
        }
    }

    pub(super) fn push(&mut self, source: usize, frame: &Frame) -> Result<(), Error> {
        self.check_gap(source, frame)?;
        let Some(graph) = &mut self.graph else { return Ok(()) };
        self.since_input = 0;
        match graph.send(source, frame) {
            Ok(()) => self.reap(),
            // This source has had enough; the others go on.
            Err(AvError::EOF) => {
                self.inbox.close_queue(source);
                self.sources[source].is_ended = true;
                Ok(())
            }
            Err(error) => Err(self.error(error)),
        }
    }

    pub(super) fn source_ended(&mut self, source: usize, time_us: i64) -> Result<(), Error> {
        if let Some(canvas) = &mut self.sources[source].canvas
            && let Some(last) = canvas.end().map_err(|e| self.error(e))?
        {
            self.push(source, &last)?;
        }
        let state = &mut self.sources[source];
        state.is_ended = true;
        let base = match (state.settings.kind, &state.format) {
            (MediaKind::Audio, Some(format)) => crate::av::Rational::new(1, format.sample_rate.max(1)),
            _ => state.settings.time_base,
        };
        let pts = rescale(time_us, TIME_BASE, base);
        match &mut self.graph {
            Some(graph) => graph.close_source(source, pts).map_err(|e| self.error(e)),
            None => Ok(()),
        }
    }
}
