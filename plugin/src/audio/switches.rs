//! What the player's switches mean: a switch is on while it is down, or, when they latch, switched over by each press.
//! Presses of Next, Re-roll, Undo and Panic count once, when they go down. Audio thread. Fixed size.

use super::block::Switches;

/// What stands after a block's switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The chord that sounds goes on.
    pub hold: bool,
    /// Chords are silent.
    pub mute: bool,
    /// The next chord comes now: pressed in this block.
    pub next: bool,
    /// Another plan: pressed in this block.
    pub reroll: bool,
    /// The plan before: pressed in this block.
    pub undo: bool,
    /// All notes end: pressed in this block.
    pub panic: bool,
}

/// Remembers the switches of the block before, and what latches.
#[derive(Clone, Debug, Default)]
pub struct Console {
    before: Switches,
    hold: bool,
    mute: bool,
}

impl Console {
    /// A block's switches.
    pub fn take(&mut self, switches: Switches) -> Wishes {
        let before = std::mem::replace(&mut self.before, switches);
        let stands = |on: bool, now: bool, was: bool| match (switches.latching, before.latching) {
            // As a switch begins to latch or ends to, it stands where it is seen to stand.
            (true, false) | (false, _) => now,
            (true, true) => on ^ (now && !was),
        };
        self.hold = stands(self.hold, switches.hold, before.hold);
        self.mute = stands(self.mute, switches.mute, before.mute);
        Wishes {
            hold: self.hold,
            mute: self.mute,
            next: switches.next && !before.next,
            reroll: switches.reroll && !before.reroll,
            undo: switches.undo && !before.undo,
            panic: switches.panic && !before.panic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(latching: bool, presses: &[bool]) -> Vec<bool> {
        let mut console = Console::default();
        console.take(Switches { latching, ..Switches::default() });
        presses
            .iter()
            .map(|hold| console.take(Switches { hold: *hold, latching, ..Switches::default() }).hold)
            .collect()
    }

    #[test]
    fn momentary_and_latching() {
        let presses = [true, true, false, false, true, false];
        assert_eq!(holds(false, &presses), presses);
        assert_eq!(holds(true, &presses), [true, true, true, true, false, false]);
    }

    #[test]
    fn a_press_counts_once() {
        let mut console = Console::default();
        let down = Switches { next: true, reroll: true, undo: true, panic: true, ..Switches::default() };
        let pressed = console.take(down);
        assert!(pressed.next && pressed.reroll && pressed.undo && pressed.panic);
        assert_eq!(console.take(down), Wishes::default());
        assert_eq!(console.take(Switches::default()), Wishes::default());
    }

    #[test]
    fn a_change_of_latching_leaves_what_is_seen() {
        let mut console = Console::default();
        let held = Switches { hold: true, ..Switches::default() };
        assert!(console.take(held).hold);
        assert!(console.take(Switches { latching: true, ..held }).hold);
        assert!(console.take(Switches { latching: true, ..Switches::default() }).hold);
        assert!(!console.take(Switches::default()).hold);
    }
}
