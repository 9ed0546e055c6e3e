//! The frames ahead, by ordinal: what the worker has committed and drafted. Audio thread. Fixed size.
//! Committed beats draft; a committed frame never changes; what is past or of another epoch is dropped.

use crate::links::{Epoch, Planned, Standing};
use music::{chord::Chord, grid::Frame, harmony::ChordFrame};

/// Frames ahead that can be kept: twice the farthest commit or look-ahead.
pub const ROOM: usize = 64;

/// The plan of one epoch.
#[derive(Clone, Debug)]
pub struct Plan {
    epoch: Epoch,
    frames: [Option<Planned>; ROOM],
    /// The first ordinal that is not past.
    next: i64,
    /// The first ordinal committed to sound, or not to, when listening was over.
    entered: Option<i64>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { epoch: Epoch::default(), frames: [None; ROOM], next: 0, entered: None }
    }
}

impl Plan {
    /// A new epoch: nothing is planned.
    pub fn begin(&mut self, epoch: Epoch) {
        *self = Self { epoch, ..Self::default() };
    }

    /// Takes in what the worker sent.
    pub fn accept(&mut self, planned: Planned) {
        let ahead = planned.ordinal - self.next;
        if planned.epoch != self.epoch || !(0..ROOM as i64).contains(&ahead) {
            return;
        }
        let place = &mut self.frames[index(planned.ordinal)];
        // What stands for a frame that will not come after all gives way to a chord that stands, never to a draft: the
        // host may yet come back to it.
        let settled = place.filter(|p| p.ordinal == planned.ordinal && p.standing != Standing::Draft);
        let stands = settled.is_some_and(|p| p.frame == planned.frame || planned.standing == Standing::Draft);
        if !stands {
            *place = Some(planned);
            if planned.standing == Standing::Committed {
                self.entered = Some(self.entered.map_or(planned.ordinal, |first| first.min(planned.ordinal)));
            }
        }
    }

    /// The plan of a frame that is not past.
    pub fn at(&self, ordinal: i64) -> Option<Planned> {
        if ordinal < self.next {
            return None;
        }
        self.frames[index(ordinal)].filter(|planned| planned.ordinal == ordinal)
    }

    /// Frames from this one to the next that starts a chord that stands, and the chord.
    pub fn next_onset(&self, ordinal: i64) -> Option<(i64, Chord)> {
        (0..ROOM as i64).map_while(|ahead| Some((ahead, self.at(ordinal + ahead)?))).find_map(
            |(ahead, planned)| match planned.chord {
                ChordFrame::Onset(chord) if planned.standing == Standing::Committed => Some((ahead, chord)),
                _ => None,
            },
        )
    }

    /// Whether the frame's chord stands.
    pub fn is_settled(&self, ordinal: i64, frame: Frame) -> bool {
        self.at(ordinal).is_some_and(|planned| planned.frame == frame && planned.standing != Standing::Draft)
    }

    /// Whether some frame's chord stands there, whichever frame that is.
    pub fn stands(&self, ordinal: i64) -> bool {
        self.at(ordinal).is_some_and(|planned| planned.standing != Standing::Draft)
    }

    /// The frame starts: what was settled for it, if anything. It is past from now on.
    pub fn take(&mut self, ordinal: i64, frame: Frame) -> Option<Planned> {
        let planned =
            self.at(ordinal).filter(|planned| planned.frame == frame && planned.standing != Standing::Draft);
        self.next = self.next.max(ordinal + 1);
        planned
    }

    /// Whether listening is over at this frame, as far as the worker has said.
    pub fn has_entered(&self, ordinal: i64) -> bool {
        self.entered.is_some_and(|first| first <= ordinal)
    }
}

fn index(ordinal: i64) -> usize {
    ordinal.rem_euclid(ROOM as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use Standing::{Committed, Draft, Listening};
    use music::{chord::Quality, pitch::PitchClass};

    fn planned(ordinal: i64, root: i32, standing: Standing) -> Planned {
        let chord = ChordFrame::Onset(Chord::new(PitchClass::new(root), Quality::MAJOR));
        Planned { epoch: Epoch(1), ordinal, frame: Frame(ordinal), chord, held: None, standing }
    }

    fn plan() -> Plan {
        let mut plan = Plan::default();
        plan.begin(Epoch(1));
        plan
    }

    #[test]
    fn committed_beats_draft_and_never_changes() {
        let mut plan = plan();
        plan.accept(planned(3, 0, Draft));
        plan.accept(planned(3, 1, Draft));
        assert!(!plan.is_settled(3, Frame(3)) && plan.at(3) == Some(planned(3, 1, Draft)));
        plan.accept(planned(3, 2, Committed));
        plan.accept(planned(3, 4, Draft));
        plan.accept(planned(3, 5, Committed));
        assert_eq!(plan.take(3, Frame(3)), Some(planned(3, 2, Committed)));
    }

    #[test]
    fn the_overdue_the_far_and_the_foreign_are_dropped() {
        let mut plan = plan();
        assert_eq!(plan.take(5, Frame(5)), None);
        plan.accept(planned(5, 0, Committed));
        plan.accept(planned(6 + ROOM as i64, 0, Committed));
        plan.accept(Planned { epoch: Epoch(0), ..planned(7, 0, Committed) });
        assert!((0..200).all(|ordinal| plan.at(ordinal).is_none()));
        assert!(!plan.has_entered(1000));
    }

    #[test]
    fn a_plan_for_another_frame_is_not_played_and_gives_way() {
        let mut plan = plan();
        plan.accept(planned(3, 0, Committed));
        assert!(!plan.is_settled(3, Frame(0)));
        let there = Planned { frame: Frame(0), ..planned(3, 7, Committed) };
        plan.accept(there);
        assert_eq!(plan.take(3, Frame(0)), Some(there));
    }

    #[test]
    fn a_draft_of_another_frame_does_not_make_way_for_another_chord() {
        let mut plan = plan();
        plan.accept(planned(3, 0, Committed));
        plan.accept(Planned { frame: Frame(0), ..planned(3, 5, Draft) });
        plan.accept(planned(3, 7, Committed));
        assert_eq!(plan.take(3, Frame(3)), Some(planned(3, 0, Committed)));
    }

    #[test]
    fn drafts_are_not_played() {
        let mut plan = plan();
        plan.accept(planned(0, 0, Draft));
        assert_eq!(plan.take(0, Frame(0)), None);
        plan.accept(Planned { chord: ChordFrame::Silence, ..planned(1, 0, Listening) });
        assert!(plan.take(1, Frame(1)).is_some());
    }
}
